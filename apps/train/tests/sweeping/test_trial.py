"""Real trials of a tiny network."""

from dataclasses import replace

import optuna
import pytest
import torch
from mlopsproj_core.errors import TrainingError
from mlopsproj_train.epoch_log import read_rows
from mlopsproj_train.run_folder import RunFolder
from mlopsproj_train.sweeping import trial as trial_module
from mlopsproj_train.sweeping.trial import train_trial


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "0").mkdir()
    return RunFolder(tmp_path / "0")


def test_every_epoch_is_reported_and_the_best_one_counts(tiny_config, folder):
    told = []
    best = train_trial(tiny_config, folder, lambda done, accuracy: told.append((done, accuracy)))
    rows = read_rows(folder.metrics)
    assert [done for done, _ in told] == [1, 2]
    assert [accuracy for _, accuracy in told] == pytest.approx(
        [row["val/accuracy"] for row in rows]
    )
    assert best == max(row["val/accuracy"] for row in rows)
    assert folder.config.exists()
    assert not folder.summary.exists()
    assert not folder.bundle.exists()


def test_a_trial_that_goes_on_reports_the_epochs_before(tiny_config, folder):
    def end(done, accuracy):
        if done == 2:
            raise KeyboardInterrupt

    config = replace(tiny_config, trainer=replace(tiny_config.trainer, max_epochs=3))
    with pytest.raises(KeyboardInterrupt):
        train_trial(config, folder, end)
    told = []
    train_trial(config, folder, lambda done, _: told.append(done))
    assert told == [1, 2, 3]
    assert [row["epoch"] for row in read_rows(folder.metrics)] == [0, 1, 2]


def test_who_listens_may_end_a_trial(tiny_config, folder):
    def end(done, accuracy):
        raise optuna.TrialPruned

    with pytest.raises(optuna.TrialPruned):
        train_trial(tiny_config, folder, end)
    assert len(read_rows(folder.metrics)) == 1


def test_a_gpu_whose_memory_does_not_suffice_is_a_clear_error(tiny_config, folder, monkeypatch):
    def fit(*arguments, **settings):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9 GiB.\nMore")

    monkeypatch.setattr(trial_module, "fit", fit)
    with pytest.raises(
        TrainingError, match=r"does not suffice \(CUDA out of memory.*search smaller"
    ):
        train_trial(tiny_config, folder, lambda done, accuracy: None)
