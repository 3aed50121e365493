"""The command in this process: one run, several runs, and what it answers."""

import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from mlopsproj_core.errors import ParityError
from mlopsproj_train import pipeline, train
from mlopsproj_train.run_folder import RunFolder


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLOPSPROJ_CONFIG_DIR", raising=False)
    monkeypatch.delenv("MLOPSPROJ_REGISTRY_URL", raising=False)


@pytest.fixture
def command(run_main):
    """Runs `train`; exit code, stdout and stderr."""
    return partial(run_main, train.main)


@pytest.fixture
def pretended(monkeypatch, trained):
    """Runs that end at once with the figures of the shared run; gives what they were told."""
    told = []

    def run_pipeline(config, *, replaced=()):
        told.append((config, set(replaced)))
        if config.seed == 13:
            raise ParityError("the graph disagrees")
        if config.seed == 130:
            raise KeyboardInterrupt("Interrupted in epoch 2. Go on with: uv run train resume=x")
        if config.seed == 28:
            raise OSError(28, "No space left on device", "runs/full")
        return replace(trained.summary, version=len(told), run_dir=config.run_dir or "runs/now")

    monkeypatch.setattr(pipeline, "run_pipeline", run_pipeline)
    return told


def test_a_run_from_the_command_line(command, tiny_config, tmp_path, exported_before, monkeypatch):
    monkeypatch.setattr(pipeline, "make_bundle", exported_before)
    data = tiny_config.data
    settings = [
        "data.source=idx",
        f"data.path={data.path}",
        f"data.prepared_dir={data.prepared_dir}",
        "data.name=tiny",
        "data.augment.flip=false",
        "model.network={stem_width: 4, widths: [8], blocks: [0]}",
        "trainer={accelerator: cpu, precision: float32, max_epochs: 1, batch_size: 16}",
        "logger.wandb=disabled",
        "run_dir=run",
        "output=json",
    ]
    code, out, err = command(*settings)
    assert code == 0, err
    assert json.loads(out) == json.loads((tmp_path / "run" / "summary.json").read_text())
    assert "epoch 1 of 1" in err
    assert {path.name for path in tmp_path.iterdir()} == {"run", "registry"}


def test_a_run_ends_with_a_table_and_the_next_command(command, pretended, trained):
    code, out, _ = command()
    assert code == 0
    for text in ("tiny:1 (production)", "95 % interval", "images/s", "next"):
        assert text in out
    assert trained.summary.next_command in out


def test_several_runs_end_with_their_comparison(command, pretended, tmp_path):
    code, out, _ = command("-m", "optimizer.lr=1e-3,3e-3", "seed=1,2", "trainer.max_epochs=3")
    assert code == 0
    assert [config.optimizer.lr for config, _ in pretended] == [1e-3, 1e-3, 3e-3, 3e-3]
    table = out[out.index("4 runs") :]
    for settings, version in (("optimizer.lr=0.001 seed=2", 2), ("optimizer.lr=0.003 seed=1", 3)):
        (row,) = [line for line in table.splitlines() if settings in line]
        assert f"tiny:{version} (production)" in row
        assert " to " in row
    assert "max_epochs" not in table
    assert not list(tmp_path.iterdir())


def test_options_may_stand_between_settings(command, pretended):
    assert command("trainer.max_epochs=3", "-m", "seed=1,2")[0] == 0
    assert [(config.seed, config.trainer.max_epochs) for config, _ in pretended] == [(1, 3), (2, 3)]


def test_of_several_runs_one_may_fail(command, pretended):
    code, out, err = command("-m", "seed=1,13,2")
    assert code == 1
    assert len(pretended) == 3
    (row,) = [line for line in out.splitlines() if "seed=13" in line]
    assert "failed" in row
    assert err.endswith("error: 1 of 3 failed, first seed=13: the graph disagrees\n")


def test_several_runs_give_one_json_document(command, pretended, trained):
    code, out, _ = command("-m", "seed=1,13", "output=json")
    assert code == 1
    good, bad = json.loads(out)
    assert good["settings"] == ["seed=1", "output=json"]
    assert good["summary"]["accuracy"] == trained.summary.accuracy
    assert bad == {"settings": ["seed=13", "output=json"], "error": "the graph disagrees"}


def test_a_full_disk_ends_all_runs_with_one_line(command, pretended):
    code, out, err = command("-m", "seed=28,2,3")
    assert (code, out) == (1, "")
    assert len(pretended) == 1
    assert err == (
        "error: The disk is full at runs/full: free some space and run the command again.\n"
    )


def test_ctrl_c_among_several_runs_shows_those_that_are_done_and_those_that_are_not(
    command, pretended
):
    code, out, err = command("-m", "seed=1,2,130,4,5", "trainer.max_epochs=3")
    assert code == 130
    assert len(pretended) == 3
    table = out[out.index("2 runs") :]
    assert "seed=1" in table
    assert "seed=2" in table
    assert err == (
        "Interrupted in epoch 2. Go on with: uv run train resume=x\nNot run:\n"
        "  seed=4 trainer.max_epochs=3\n  seed=5 trainer.max_epochs=3\n"
    )
    code, out, err = command("-m", "seed=130,1")
    assert (code, out) == (130, "")


def test_a_wrong_value_among_several_is_refused_before_the_first(command, pretended):
    code, _, err = command("-m", "seed=1,x")
    assert code == 2
    assert not pretended
    assert err == (
        "error: seed=x: Value 'x' of type 'str' could not be converted to Integer;"
        " see `train --help`.\n"
    )


def test_one_folder_for_several_runs_is_refused_before_the_first(command, pretended):
    code, _, err = command("-m", "seed=1,2", "run_dir=here")
    assert code == 2
    assert not pretended
    assert "run_dir=here is the same for every run of -m: leave it out, or make it differ" in err
    assert "'run_dir=here/${hydra:job.num}'" in err
    code, _, err = command("-m", "seed=1,2", "run_dir=here/${hydra:job.num}")
    assert code == 0, err
    assert [config.run_dir for config, _ in pretended] == ["here/0", "here/1"]
    assert command("-m", "run_dir=one,two")[0] == 0
    assert [config.run_dir for config, _ in pretended[2:]] == ["one", "two"]


def test_a_resumed_run_takes_its_own_settings(command, pretended):
    code, _, err = command("resume=runs/x", "seed=1")
    assert code == 2
    assert "resume=… brings the configuration of that run; leave out seed=1." in err
    assert not pretended
    code, _, err = command("resume=runs/x", "registry=elsewhere", "output=json")
    assert code == 0, err
    ((config, replaced),) = pretended
    assert (config.resume, config.registry, replaced) == ("runs/x", "elsewhere", {"registry"})


def test_a_logger_of_a_resumed_run_may_be_given_in_part(command, pretended):
    code, _, err = command("resume=runs/x", "logger.wandb=disabled")
    assert code == 0, err
    ((config, replaced),) = pretended
    assert (config.logger.wandb, replaced) == ("disabled", {"logger.wandb"})
    assert command("resume=runs/x", "logger.project=other")[0] == 0
    assert pretended[1][1] == {"logger.project"}


def test_a_logger_group_of_a_resumed_run_replaces_the_mode_alone(command, pretended, monkeypatch):
    monkeypatch.setenv("MLOPSPROJ_CONFIG_DIR", str(Path(__file__).parents[3] / "configs"))
    code, _, err = command("resume=runs/x", "logger=disabled")
    assert code == 0, err
    ((config, replaced),) = pretended
    assert (config.logger.wandb, replaced) == ("disabled", {"logger.wandb"})


def test_an_empty_resume_is_refused(command, pretended):
    code, _, err = command("resume=")
    assert code == 2
    assert err == "error: resume= is empty: name the folder of a run.\n"
    assert not pretended


def test_a_run_that_cannot_be_resumed_is_told(command, tmp_path):
    code, out, err = command("resume=nowhere")
    assert (code, out) == (1, "")
    assert err == "error: resume=nowhere holds no run (no config.json): name its folder.\n"


def test_the_command_that_is_told_resumes(command, pretended, tmp_path):
    import shlex

    folder = RunFolder(tmp_path / "it's my run")
    *_, setting = shlex.split(folder.resume_command)
    assert command(setting)[0] == 0
    assert pretended[0][0].resume == str(folder.path)
