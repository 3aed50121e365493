import json
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from mlopsproj_core.errors import ConfigError, TrainingError
from mlopsproj_models.config import ModelConfig, NetworkConfig
from mlopsproj_train.config import TrainConfig, TrainerConfig
from mlopsproj_train.run_folder import RunFolder, locked, new_run_folder, open_run_folder

NOW = datetime(2026, 1, 31, 12, 30, 15, tzinfo=UTC)


def test_brings_back_the_configuration_that_it_was_started_with(tmp_path):
    config = TrainConfig(
        model=ModelConfig(network=NetworkConfig(widths=(8, 16), blocks=(1, 1))),
        trainer=TrainerConfig(max_epochs=3, patience=2),
        seed=7,
        run_dir=str(tmp_path / "run"),
    )
    folder = new_run_folder(config, NOW)
    found, stored = open_run_folder(folder.path)
    assert found == folder
    assert stored.trainer == config.trainer
    assert stored.seed == 7
    assert tuple(stored.model.network.widths) == (8, 16)


def test_two_runs_of_one_second_get_two_folders(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = [new_run_folder(TrainConfig(), NOW).path.as_posix() for _ in range(3)]
    assert names == [f"runs/2026-01-31_12-30-15{end}" for end in ("", "-2", "-3")]


def test_a_folder_that_holds_something_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(ConfigError, match=r"run_dir=.* is not empty.*resume="):
        new_run_folder(TrainConfig(run_dir=str(tmp_path)), NOW)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_folder_without_a_run_cannot_be_resumed(tmp_path):
    with pytest.raises(TrainingError, match=r"holds no run"):
        open_run_folder(tmp_path)


def test_a_run_that_is_done_cannot_be_resumed(tmp_path):
    folder = new_run_folder(TrainConfig(run_dir=str(tmp_path)), NOW)
    folder.summary.write_text("{}")
    with pytest.raises(TrainingError, match="is done"):
        open_run_folder(tmp_path)


@pytest.mark.parametrize("text", ["{", '{"sede": 1}', '{"seed": "one"}'])
def test_a_broken_configuration_is_named(tmp_path, text):
    folder = new_run_folder(TrainConfig(run_dir=str(tmp_path)), NOW)
    folder.config.write_text(text)
    with pytest.raises(TrainingError, match=r"config\.json cannot be read"):
        open_run_folder(tmp_path)


def test_the_configuration_is_plain_json(tmp_path):
    folder = new_run_folder(replace(TrainConfig(), run_dir=str(tmp_path)), NOW)
    assert json.loads(folder.config.read_text())["trainer"]["accelerator"] == "auto"


HOLD = """
import sys
from pathlib import Path
from mlopsproj_train.run_folder import RunFolder, locked

with locked(RunFolder(Path(sys.argv[1]))):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_process_is_kept_out_until_the_first_ends(tmp_path):
    other = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with other:
        assert other.stdout.readline() == "held\n"
        with (
            pytest.raises(TrainingError, match="Another process is training"),
            locked(RunFolder(tmp_path)),
        ):
            pytest.fail("two processes hold one run folder")
        other.kill()  # no clean-up: the lock ends with the process
        other.wait()
    with locked(RunFolder(tmp_path)):
        pass
