"""The table and the document at a sweep's end."""

import io
import json
import shlex
from dataclasses import replace

import pytest
from mlopsproj_train.sweeping.outcomes import Outcome, TrialResult
from mlopsproj_train.sweeping.report import best_command, facts, print_report
from rich.console import Console

TYPED = ("data.path='/photos of mine/a'", "experiment=quick")


@pytest.fixture
def sweep(open_sweep, beginning):
    space = {
        "optimizer.lr": {"low": 1e-4, "high": 1e-1},
        "model.network.widths": {"choices": [[8]]},
    }
    opened = open_sweep(space)
    return replace(opened, beginning=replace(opened.beginning, settings=TYPED))


def row(number, outcome, *accuracies, error=None):
    settings = {"optimizer.lr": f"0.0{number}1", "model.network.widths": "[8]"}
    return TrialResult(number, number, outcome, settings, accuracies, error)


ROWS = [
    row(2, Outcome.complete, 0.5, 0.75),
    row(1, Outcome.pruned, 0.9),
    row(3, Outcome.failed, error="no memory"),
]


def test_the_command_is_quoted_for_the_shell_and_for_hydra(sweep):
    assert shlex.split(best_command(sweep, ROWS)) == [
        *("uv", "run", "train", *TYPED, "optimizer.lr=0.021", "model.network.widths=[8]")
    ]
    assert best_command(sweep, ROWS[1:]) is None


def test_the_table_shows_every_trial_and_what_failed(sweep):
    told = io.StringIO()
    print_report(Console(file=told, width=400, markup=False), sweep, ROWS, ["a.png"])
    text = told.getvalue()
    assert "sweep tiny: 1 complete, 1 pruned, 1 failed" in text
    best = next(line for line in text.splitlines() if "0.021" in line)
    assert [cell.strip() for cell in best.strip("│").split("│")] == [
        *("2", "0.021", "[8]", "0.7500", "2", "complete")
    ]
    for part in ("trial 3: no memory", "100 validation images", "a.png", "uv run train"):
        assert part in text


def test_nothing_yet_is_shown_as_nothing(sweep):
    told = io.StringIO()
    print_report(Console(file=told, width=200), sweep, [], [])
    assert "sweep tiny: no trial" in told.getvalue()
    assert "next" not in told.getvalue()


def test_the_document_tells_all(sweep):
    document = json.loads(json.dumps(facts(sweep, ROWS, ["a.png"])))
    assert document["best"] == 2
    assert document["next_command"] == best_command(sweep, ROWS)
    assert document["trials"][0] == {
        "number": 2,
        "state": "complete",
        "settings": {"optimizer.lr": "0.021", "model.network.widths": "[8]"},
        "validation_accuracy": 0.75,
        "epochs": 2,
        "folder": "sweeps/tiny/trials/2",
        "error": None,
    }
    assert facts(sweep, [], [])["best"] is None
