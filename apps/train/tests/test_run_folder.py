import json
import shlex
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from mlopsproj_core.errors import ConfigError, TrainingError
from mlopsproj_models.config import ModelConfig, NetworkConfig
from mlopsproj_train.config import TrainConfig, TrainerConfig
from mlopsproj_train.run_folder import RunFolder, locked, new_run_folder, resumed

NOW = datetime(2026, 1, 31, 12, 30, 15, tzinfo=UTC)


def reopen(path):
    with resumed(path):
        pytest.fail("it was opened")


def test_brings_back_the_configuration_that_it_was_started_with(tmp_path):
    config = TrainConfig(
        model=ModelConfig(network=NetworkConfig(widths=(8, 16), blocks=(1, 1))),
        trainer=TrainerConfig(max_epochs=3, patience=2),
        seed=7,
        run_dir=str(tmp_path / "run"),
    )
    folder = new_run_folder(config, NOW)
    with resumed(folder.path) as (found, stored):
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
        reopen(tmp_path)


def test_a_run_that_is_done_cannot_be_resumed(tmp_path):
    folder = new_run_folder(TrainConfig(run_dir=str(tmp_path)), NOW)
    folder.summary.write_text("{}")
    with pytest.raises(TrainingError, match="is done"):
        reopen(tmp_path)


@pytest.mark.parametrize("text", ["{", '{"sede": 1}', '{"seed": "one"}'])
def test_a_broken_configuration_is_named(tmp_path, text):
    folder = new_run_folder(TrainConfig(run_dir=str(tmp_path)), NOW)
    folder.config.write_text(text)
    with pytest.raises(TrainingError, match=r"config\.json cannot be read"):
        reopen(tmp_path)


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


def test_a_run_that_another_process_holds_cannot_be_resumed(tmp_path):
    folder = new_run_folder(TrainConfig(run_dir=str(tmp_path)), NOW)
    with locked(folder), pytest.raises(TrainingError, match="wait until it ends"):
        reopen(tmp_path)
    folder.summary.write_text("{}")  # the other process ends the run
    with pytest.raises(TrainingError, match="is done"):
        reopen(tmp_path)


def test_of_two_runs_that_want_one_folder_at_once_one_gets_it(tmp_path, monkeypatch):
    """Both have seen that it is empty."""
    config = TrainConfig(run_dir=str(tmp_path / "run"), seed=1)
    new_run_folder(config, NOW)
    monkeypatch.setattr(type(tmp_path), "iterdir", lambda _: iter(()))
    with pytest.raises(ConfigError, match="is not empty"):
        new_run_folder(replace(config, seed=2), NOW)
    monkeypatch.undo()
    assert json.loads((tmp_path / "run" / "config.json").read_text())["seed"] == 1


def test_an_empty_folder_may_be_given(tmp_path):
    assert new_run_folder(TrainConfig(run_dir=str(tmp_path)), NOW).config.exists()


@pytest.mark.parametrize("name", ["file", "file/below"])
def test_a_folder_that_cannot_be_made_is_told(tmp_path, name):
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=r"run_dir=.*file"):
        new_run_folder(TrainConfig(run_dir=str(tmp_path / name)), NOW)


def test_a_full_disk_stays_one(tmp_path, monkeypatch):
    def no_space(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(type(tmp_path), "mkdir", no_space)
    with pytest.raises(OSError, match="No space left"):
        new_run_folder(TrainConfig(run_dir=str(tmp_path / "run")), NOW)


def test_a_run_keeps_its_id_and_its_data(tmp_path):
    folder = RunFolder(tmp_path)
    run_id = folder.identify(data="tiny", fingerprint="a" * 64)
    assert folder.identify(data="tiny", fingerprint="a" * 64) == run_id
    with pytest.raises(TrainingError, match=r"other data \(fingerprint aaaaaaaaaaaa…, now bbb"):
        folder.identify(data="tiny", fingerprint="b" * 64)
    (tmp_path / "other").mkdir()
    assert RunFolder(tmp_path / "other").identify(data="tiny", fingerprint="a" * 64) != run_id


@pytest.mark.parametrize("text", ["{", "{}", "[]"])
def test_a_broken_identity_is_named(tmp_path, text):
    folder = RunFolder(tmp_path)
    folder.identity.write_text(text)
    with pytest.raises(TrainingError, match=r"run\.json cannot be read"):
        folder.identify(data="tiny", fingerprint="a" * 64)


@pytest.mark.parametrize("name", ["runs/2026-01-31_12-00-00", "my run", "it's ${mine}"])
def test_the_command_to_go_on_survives_shell_and_hydra(name):
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from omegaconf import OmegaConf

    *command, setting = shlex.split(RunFolder(Path(name)).resume_command)
    assert command == ["uv", "run", "train"]
    override = OverridesParser.create().parse_override(setting)
    assert OmegaConf.create({"resume": override.value()}).resume == name
