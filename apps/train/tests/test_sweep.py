"""The command in this process: real trials of a tiny network, and what it answers."""

import json
import shlex
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import optuna
import pytest
from labelled_log import LabelledLog, random_png
from mlopsproj_core.errors import TrainingError
from mlopsproj_train import sweep
from mlopsproj_train.sweeping import session

CONFIGS = Path(__file__).parents[3] / "configs"
LR = "+space.optimizer.lr={low: 1e-3, high: 3e-2, log: true}"


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLOPSPROJ_CONFIG_DIR", raising=False)


@pytest.fixture
def command(run_main):
    """Runs `sweep`; exit code, stdout and stderr."""
    return partial(run_main, sweep.main)


@pytest.fixture
def settings(tiny_config):
    data = tiny_config.data
    return [
        "data.source=idx",
        f"data.path={data.path}",
        f"data.prepared_dir={data.prepared_dir}",
        "data.name=tiny",
        "data.augment.flip=false",
        "model.architecture=residual",
        "model.network={stem_width: 4, widths: [8], blocks: [0]}",
        "trainer={accelerator: cpu, precision: float32, max_epochs: 1, batch_size: 16}",
    ]


@pytest.fixture
def computed(monkeypatch):
    """Trials whose accuracy is computed; gives the configurations that were tried."""
    tried = []

    def train_trial(config, folder, on_epoch):
        tried.append(config)
        rate = config.optimizer.lr or 0.01
        if rate > 1:
            raise TrainingError("the loss is no number")
        on_epoch(1, 1 - rate)
        return 1 - rate

    monkeypatch.setattr(session, "train_trial", train_trial)
    return tried


def test_a_sweep_from_the_command_line(command, settings, tmp_path):
    code, out, err = command(*settings, LR, "trials=2", "output=json")
    assert code == 0, err
    answer = json.loads(out)
    first, second = answer["trials"]
    assert first["validation_accuracy"] >= second["validation_accuracy"]
    assert (answer["name"], answer["best"], answer["data"]) == ("tiny", first["number"], "tiny")
    assert [trial["state"] for trial in answer["trials"]] == ["complete", "complete"]
    assert [trial["epochs"] for trial in answer["trials"]] == [1, 1]
    lr = first["settings"]["optimizer.lr"]
    assert shlex.split(answer["next_command"]) == [
        *("uv", "run", "train", *settings, f"optimizer.lr={lr}")
    ]
    folder = tmp_path / "sweeps" / "tiny"
    assert {path.name for path in tmp_path.iterdir()} == {"sweeps"}
    assert {path.name for path in folder.iterdir() if not path.name.startswith(".")} == {
        *("figures", "study.db", "trials", "wandb.yaml")
    }
    for path in answer["figures"]:
        assert (tmp_path / path).read_bytes().startswith(b"\x89PNG")
    config = json.loads((tmp_path / first["folder"] / "config.json").read_text())
    assert config["optimizer"]["lr"] == float(lr)
    assert config["logger"]["wandb"] == "disabled"
    assert "trial 0: optimizer.lr=" in err
    assert "epoch 1 of 1" not in err
    assert "epoch 1 of 1" in (tmp_path / first["folder"] / "run.log").read_text()


def test_a_table_and_the_command_that_trains_the_best(command, settings, computed):
    code, out, err = command(*settings, LR, "trials=3")
    assert code == 0, err
    best = min(config.optimizer.lr for config in computed)
    assert "sweep tiny: 3 complete" in out
    assert f"optimizer.lr={best}" in out.splitlines()[-1]
    assert f"{1 - best:.4f}" in out
    assert "validation images" in out


def test_a_sweep_goes_on_and_is_looked_at(command, settings, computed):
    command(*settings, LR, "trials=2")
    assert command(*settings, LR, "trials=3")[0] == 0
    assert len(computed) == 3
    shown = command("name=tiny", "trials=0", "output=json")
    again = command(*settings, LR, "trials=0", "output=json")
    assert (shown[0], len(computed)) == (0, 3)
    assert json.loads(shown[1]) == json.loads(again[1])
    assert len(json.loads(shown[1])["trials"]) == 3


def test_all_trials_learn_from_the_labels_that_were_told_when_the_sweep_began(
    command, settings, computed, tmp_path, monkeypatch
):
    log = LabelledLog(tmp_path / "log", model="tiny")
    log.confirm(random_png(1), "1")
    monkeypatch.setenv("MLOPSPROJ_DATABASE_URL", log.url)
    typed = [*settings, "data.add=[feedback]", LR]
    code, out, err = command(*typed, "trials=2", "output=json")
    assert code == 0, err
    (until,) = {config.data.feedback_until for config in computed}
    (told,) = (
        text for text in shlex.split(json.loads(out)["next_command"]) if "feedback_until" in text
    )
    assert told == f"data.feedback_until={until}"
    # It goes on with its own time, where nothing was told since.
    assert command(*typed, "trials=3")[0] == 0
    assert {config.data.feedback_until for config in computed} == {until}
    log.now = datetime.now(UTC) - timedelta(minutes=2)
    log.confirm(random_png(2), "2")  # told now
    assert log.url
    code, _, err = command(*typed, "trials=4")
    assert code == 2
    assert f"data.feedback_until was {until}, now {datetime.now(UTC).date()}" in err
    assert command(*typed, told, "trials=4")[0] == 0
    assert len(computed) == 4


def test_a_look_at_a_sweep_that_is_not_there(command, settings, tmp_path):
    code, _, err = command("name=tiny", "trials=0")
    assert (code, list(tmp_path.iterdir())) == (2, [])
    assert "There is no sweep tiny" in err
    assert command(*settings, LR, "trials=0")[0] == 2


def test_another_space_needs_another_name(command, settings, computed):
    command(*settings, LR, "trials=1")
    other = LR.replace("3e-2", "1e-1")
    code, _, err = command(*settings, other, "trials=1")
    assert code == 2
    assert "space.optimizer.lr.high was 0.03, now 0.1" in err
    assert command(*settings, other, "trials=1", "name=wider")[0] == 0


def test_an_interrupted_sweep_shows_what_there_is_and_how_to_go_on(
    command, settings, computed, monkeypatch
):
    command(*settings, LR, "trials=1")

    def interrupted(config, folder, on_epoch):
        raise KeyboardInterrupt

    monkeypatch.setattr(session, "train_trial", interrupted)
    typed = [*settings, LR, "trials=2"]
    code, out, err = command(*typed)
    assert code == 130
    assert "1 complete" in out
    (line,) = [line for line in err.splitlines() if "Go on with: " in line]
    assert shlex.split(line.partition("Go on with: ")[2]) == ["uv", "run", "sweep", *typed]


def test_when_all_trials_fail_they_are_shown_and_the_command_fails(command, settings, computed):
    bad = "+space.optimizer.lr={low: 2.0, high: 3.0}"
    code, out, err = command(*settings, bad, "trials=2")
    assert code == 1
    assert "2 failed" in out
    assert err.endswith("failed, trial 1 by: the loss is no number\n")
    code, out, err = command(*settings, bad, "trials=9", "name=again")
    assert code == 1
    assert "The first 3 trials all failed, the last one by: the loss is no number" in err


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        ([], 2, "The search space is empty: give space=small"),
        (["+space.optimizer.lrr={low: 1, high: 2}"], 2, "optimizer.lrr: there is no such setting"),
        (["+space.model.compile={choices: [maybe]}"], 2, "model.compile=maybe"),
        (["+space.trainer.batch_size={low: 0, high: 8}"], 2, "trainer.batch_size=0 cannot be used"),
        ([LR, "optimizer.lr=1e-3"], 2, "optimizer.lr is given and searched for"),
        ([LR, "trials=-1"], 2, "trials=-1: give 0 or more"),
        ([LR, "pruner.min_epochs=0"], 2, "pruner.min_epochs=0: give 1 or more"),
        ([LR, "name=../up"], 2, "name=../up"),
        ([LR, "storage=nonsense"], 2, "storage=nonsense is no address of a database"),
        ([LR, "storage=sqlite:////no/folder/study.db"], 1, "cannot be used (unable to open"),
        ([LR, "-m", "seed=1,2"], 2, "-m: `sweep` runs once"),
    ],
)
def test_what_cannot_be_done_is_one_clear_error(command, settings, arguments, code, told):
    result = command(*settings, *arguments)
    assert result[0] == code
    assert told in result[2].splitlines()[-1]
    assert "Traceback" not in result[2]


def test_a_database_that_fails_in_the_middle(command, settings, monkeypatch):
    def train_trial(config, folder, on_epoch):
        raise optuna.exceptions.StorageInternalError("the server is gone")

    monkeypatch.setattr(session, "train_trial", train_trial)
    code, _, err = command(*settings, LR, "trials=2")
    assert code == 1
    assert "The study cannot be used (the server is gone): mend it" in err


def test_the_spaces_that_come_along_can_be_searched(command, settings, computed, monkeypatch):
    monkeypatch.setenv("MLOPSPROJ_CONFIG_DIR", str(CONFIGS))
    names = sorted(path.stem for path in (CONFIGS / "space").iterdir())
    assert names
    for name in names:
        run = [text for text in settings if not text.startswith("trainer=")]
        code, out, err = command(
            *run, "trainer.precision=float32", f"space={name}", f"name={name}", "trials=1"
        )
        assert code == 0, err
        assert "1 complete" in out


def test_a_sweep_begins_where_train_does():
    """Or the command that it ends with would train something else."""
    files = [(CONFIGS / f"{name}.yaml").read_text().splitlines() for name in ("train", "sweep")]
    train, own = ({line for line in lines if line.startswith("  - ")} for lines in files)
    assert train - own == {"  - train_schema", "  - logger: offline"}
    assert own - train == {"  - sweep_schema", "  - space: small"}
