"""A sweep as a user runs it: in two shells at once, killed in the middle, and what it ends with."""

import json
import shlex
import signal
import tempfile
from pathlib import Path

import pytest
from serving.postgresql import PostgreSql

pytestmark = pytest.mark.slow

SPACE = (
    "~space",
    "+space.optimizer.lr={low: 1e-3, high: 3e-2, log: true}",
    "+space.model.loss.label_smoothing={choices: [0.0, 0.1]}",
)


def searching(workplace, *arguments):
    """Arguments of a sweep of tiny trials."""
    run = [text for text in workplace.training() if not text.startswith("logger=")]
    return (*run, *SPACE, "output=json", *arguments)


def ended(process):
    out, err = process.communicate(timeout=240)
    assert process.returncode == 0, err
    return json.loads(out)


def trained(workplace, number):
    """How many epochs a trial has behind it."""
    metrics = workplace.path / "sweeps" / "tiny" / "trials" / str(number) / "metrics.csv"
    return len(metrics.read_text().splitlines()) - 1 if metrics.exists() else 0


def test_two_shells_share_a_sweep_whose_best_is_trained_then(workplace):
    arguments = searching(workplace, "trials=4")
    shells = [workplace.start("sweep", *arguments) for _ in range(2)]
    answers = [ended(shell) for shell in shells]
    assert answers[0]["trials"] == answers[1]["trials"]
    (answer, _) = answers
    assert [trial["state"] for trial in answer["trials"]] == ["complete"] * 4
    tried = [tuple(trial["settings"].items()) for trial in answer["trials"]]
    assert len(set(tried)) == 4
    accuracies = [trial["validation_accuracy"] for trial in answer["trials"]]
    assert accuracies == sorted(accuracies, reverse=True)
    assert not (workplace.path / "registry").exists()

    command = shlex.split(answer["next_command"])
    assert command[:3] == ["uv", "run", "train"]
    summary = json.loads(
        workplace.run(
            "train", *command[3:], "logger=disabled", "run_dir=best", "output=json"
        ).stdout
    )
    assert summary["version"] == 1
    config = json.loads((workplace.path / "best" / "config.json").read_text())
    tried_config = json.loads(
        (workplace.path / answer["trials"][0]["folder"] / "config.json").read_text()
    )
    for part in ("data", "model", "optimizer", "trainer", "seed"):
        assert config[part] == tried_config[part]
    rows = (workplace.path / "best" / "metrics.csv").read_text().splitlines()
    column = rows[0].split(",").index("val/accuracy")
    assert float(rows[1].split(",")[column]) == accuracies[0]


def test_a_sweep_goes_on_after_its_process_was_killed(workplace):
    arguments = searching(workplace, "trials=2", "trainer.max_epochs=12", "pruner.kind=none")
    process = workplace.start("sweep", *arguments)
    workplace.wait_until(lambda: trained(workplace, 0) >= 2, process)
    process.send_signal(signal.SIGKILL)
    process.wait()
    before = trained(workplace, 0)

    answer = ended(workplace.start("sweep", *arguments))
    assert [trial["state"] for trial in answer["trials"]] == ["complete"] * 2
    (again,) = [t for t in answer["trials"] if t["folder"] == "sweeps/tiny/trials/0"]
    assert again["number"] > 0
    assert again["epochs"] == 12
    log = (workplace.path / again["folder"] / "run.log").read_text()
    assert log.count("epoch 1 of 12") == 1
    assert "going on from" in log
    assert before < 12


def test_ctrl_c_shows_what_there_is(workplace):
    arguments = searching(workplace, "trials=9", "trainer.max_epochs=3")
    process = workplace.start("sweep", *arguments)
    workplace.wait_until(lambda: trained(workplace, 1) >= 1, process)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert "Go on with: uv run sweep" in err
    answer = json.loads(out)
    assert answer["next_command"].startswith("uv run train")
    look = ended(workplace.start("sweep", "name=tiny", "trials=0", "output=json"))
    assert look["best"] == answer["best"]


@pytest.fixture
def postgresql():
    """The address of a database server of this test's own."""
    with tempfile.TemporaryDirectory() as folder:
        server = PostgreSql(Path(folder))
        try:
            server.start()
            yield server.url
        finally:
            server.kill()


def test_a_database_server_keeps_a_sweep_too(workplace, postgresql):
    arguments = searching(workplace, "trials=3", f"storage={postgresql}")
    shells = [workplace.start("sweep", *arguments) for _ in range(2)]
    first, second = (ended(shell) for shell in shells)
    assert first["trials"] == second["trials"]
    assert len(first["trials"]) == 3
    assert not (workplace.path / "sweeps" / "tiny" / "study.db").exists()
    look = workplace.start(
        *("sweep", "name=tiny", "trials=0", "output=json", f"storage={postgresql}")
    )
    assert ended(look)["trials"] == first["trials"]


def test_a_database_server_that_is_not_there(workplace):
    pytest.importorskip("psycopg", reason="the driver psycopg is not installed")
    url = "postgresql+psycopg://me:secret@127.0.0.1:1/sweeps"
    result = workplace.run("sweep", *searching(workplace, f"storage={url}"))
    assert result.returncode == 1
    (line,) = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert "storage=postgresql+psycopg://me:***@127.0.0.1:1/sweeps cannot be used" in line
    assert "secret" not in result.stderr
