import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from mlopsproj_core.command import run_command
from mlopsproj_core.errors import TrainingError
from mlopsproj_models.classifier import ImageClassifier
from mlopsproj_train.checkpoints import load_checkpoint
from mlopsproj_train.epoch_log import read_rows
from mlopsproj_train.fitting import moving_average
from mlopsproj_train.run_folder import RunFolder


def assert_equal(one, other, where=""):
    """Bit for bit, in every tensor and every number."""
    assert type(one) is type(other), where
    if isinstance(one, dict):
        assert one.keys() == other.keys(), where
        for key in one:
            assert_equal(one[key], other[key], f"{where}/{key}")
    elif isinstance(one, list | tuple):
        assert len(one) == len(other), where
        for index, (left, right) in enumerate(zip(one, other, strict=True)):
            assert_equal(left, right, f"{where}/{index}")
    elif isinstance(one, torch.Tensor):
        assert torch.equal(one, other), where
    else:
        assert one == other, where


def weights(path):
    """What a checkpoint knows of the network, its average and its optimiser."""
    checkpoint = load_checkpoint(path)
    kept = ("epoch", "global_step", "state_dict", "optimizer_states", "lr_schedulers")
    averages = ("current_model_state", "averaging_state")
    return {key: checkpoint[key] for key in (*kept, *averages) if key in checkpoint}


def with_trainer(config, **changes):
    return replace(config, trainer=replace(config.trainer, **changes))


@pytest.mark.parametrize(
    ("variant", "at_step"),
    [
        ("plain", 8),
        ("with mixup, average and patience", 6),
        ("with mixup, average and patience", 14),
    ],
)
def test_a_run_that_goes_on_ends_at_the_same_weights(
    tiny_config, tmp_path, train_only, variant, at_step
):
    config = with_trainer(tiny_config, max_epochs=3)
    if variant == "plain":
        config = replace(config, model=replace(config.model, ema_decay=0.0))
    else:
        loss = replace(config.model.loss, mixup_alpha=0.4)
        config = replace(config, model=replace(config.model, loss=loss, ema_decay=0.9))
        config = with_trainer(config, patience=2)
    whole = train_only(config, tmp_path / "whole")

    with pytest.raises(KeyboardInterrupt, match=f"Interrupted in epoch {at_step // 6 + 1};"):
        train_only(config, tmp_path / "parts", interrupt_at=at_step)
    torch.manual_seed(99)  # another process draws otherwise
    parts = train_only(config, tmp_path / "parts")

    assert parts.epochs == whole.epochs
    for name in ("last.ckpt", "best.ckpt"):
        assert_equal(
            weights(tmp_path / "parts" / "checkpoints" / name),
            weights(tmp_path / "whole" / "checkpoints" / name),
        )
    measured = {"images", "seconds", "total_seconds", "memory_mb"}
    for one, other in zip(
        read_rows(tmp_path / "parts" / "metrics.csv"),
        read_rows(tmp_path / "whole" / "metrics.csv"),
        strict=True,
    ):
        assert {key: one[key] for key in one.keys() - measured} == {
            key: other[key] for key in other.keys() - measured
        }


def test_another_seed_ends_at_other_weights(tiny_config, tmp_path, train_only):
    one = train_only(with_trainer(tiny_config, max_epochs=1), tmp_path / "one")
    other = train_only(with_trainer(replace(tiny_config, seed=1), max_epochs=1), tmp_path / "other")
    one, other = (load_checkpoint(fitted.best)["state_dict"] for fitted in (one, other))
    assert not torch.equal(one["network.head.weight"], other["network.head.weight"])


@pytest.fixture
def validated_as(monkeypatch):
    """Lets the epochs have given validation accuracies."""

    def script(*accuracies):
        def validation_step(module, _):
            figures = {"val/loss": 1.0, "val/accuracy": accuracies[module.current_epoch]}
            module.log_dict(figures, on_epoch=True, batch_size=1)

        monkeypatch.setattr(ImageClassifier, "validation_step", validation_step)

    return script


def test_a_run_that_had_stopped_early_is_not_trained_again(
    tiny_config, tmp_path, train_only, validated_as
):
    validated_as(0.5, 0.7, 0.6, 0.9)
    config = with_trainer(tiny_config, max_epochs=4, patience=1)
    first = train_only(config, tmp_path)
    assert first.epochs == 3
    assert load_checkpoint(first.best)["epoch"] == 1
    before = RunFolder(tmp_path).last_checkpoint.read_bytes()
    again = train_only(config, tmp_path)
    assert again == first
    assert RunFolder(tmp_path).last_checkpoint.read_bytes() == before


def test_the_best_epoch_is_remembered_where_the_folder_was_moved(
    tiny_config, tmp_path, train_only, validated_as
):
    validated_as(0.9, 0.5, 0.6)
    config = with_trainer(tiny_config, max_epochs=3)
    with pytest.raises(KeyboardInterrupt):
        train_only(config, tmp_path / "here", interrupt_at=8)
    (tmp_path / "here").rename(tmp_path / "there")
    fitted = train_only(config, tmp_path / "there")
    assert fitted.best == tmp_path / "there" / "checkpoints" / "best.ckpt"
    assert load_checkpoint(fitted.best)["epoch"] == 0
    assert not (tmp_path / "here").exists()


def test_ctrl_c_is_heeded_after_the_training_was_interrupted(tiny_config, tmp_path, train_only):
    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        train_only(tiny_config, tmp_path, interrupt_at=8)
    assert signal.getsignal(signal.SIGINT) is handler
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk_is_told_in_one_line(tiny_config, tmp_path, train_only, capsys):
    checkpoints = RunFolder(tmp_path).checkpoints
    checkpoints.mkdir()
    (checkpoints / f".best.ckpt.{os.getpid()}").symlink_to("/dev/full")
    with pytest.raises(SystemExit) as end:
        run_command(lambda: train_only(tiny_config, tmp_path))
    assert end.value.code == 1
    error = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error:")]
    assert len(error) == 1
    assert error[0].startswith("error: The disk is full")
    assert not list(checkpoints.iterdir())


def test_a_run_whose_figures_are_gone_cannot_be_summed_up(tiny_config, tmp_path, train_only):
    config = with_trainer(tiny_config, max_epochs=1)
    train_only(config, tmp_path)
    RunFolder(tmp_path).metrics.unlink()
    with pytest.raises(TrainingError, match=r"metrics\.csv holds no epoch"):
        train_only(config, tmp_path)


def test_the_average_follows_quickly_at_first():
    update = moving_average(0.9)
    averaged, current = [torch.zeros(3)], [torch.ones(3)]
    expected = 0.0
    for count in range(200):
        update(averaged, current, torch.tensor(count))
        decay = min(0.9, (1 + count) / (10 + count))
        expected = decay * expected + (1 - decay)
        assert averaged[0].numpy() == pytest.approx(expected, abs=1e-5)
        if count == 0:
            assert float(averaged[0][0]) == pytest.approx(0.9)
    update(averaged, [torch.full((3,), 2.0)], 10_000)
    assert averaged[0].numpy() == pytest.approx(0.9 * expected + 0.1 * 2, abs=1e-4)


def test_an_average_of_the_network_is_kept_only_where_it_is_asked_for(
    tiny_config, tmp_path, train_only
):
    config = with_trainer(tiny_config, max_epochs=1)
    config = replace(config, model=replace(config.model, ema_decay=0.0))
    fitted = train_only(config, tmp_path)
    assert "averaging_state" not in load_checkpoint(fitted.best)


def test_a_progress_bar_is_shown_to_people_only(
    tiny_config, tmp_path, train_only, capsys, monkeypatch
):
    config = with_trainer(tiny_config, max_epochs=1)
    train_only(config, tmp_path / "piped")
    assert "Epoch 0" not in capsys.readouterr().err
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    train_only(config, tmp_path / "seen")
    out, err = capsys.readouterr()
    assert "Epoch 0" in out + err
