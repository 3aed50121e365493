import json
import sys
from dataclasses import asdict, replace

import pytest
from mlopsproj_train.answers import answer_console
from mlopsproj_train.summary import Summary


@pytest.fixture
def summary():
    return Summary(
        model="fashion-mnist",
        version=3,
        alias="candidate",
        data="fashion-mnist",
        data_fingerprint="f" * 64,
        train_images=54_000,
        test_images=10_000,
        accuracy=0.94561,
        accuracy_interval=(0.9411, 0.95),
        epochs=24,
        train_seconds=812.34,
        images_per_second=2345.6,
        run_dir="runs/2026-01-31_12-00-00",
        registry="gs://a-bucket-with-a-rather-long-name/and/a/folder/in/it/registry",
        next_command="uv run registry promote fashion-mnist:3 --registry gs://a-bucket-with-a-name",
    )


def test_is_written_at_once_as_json(summary, tmp_path):
    path = tmp_path / "summary.json"
    path.write_text("old")
    summary.write(path)
    values = json.loads(path.read_text())
    assert values == {**asdict(summary), "accuracy_interval": [0.9411, 0.95]}
    assert [file.name for file in tmp_path.iterdir()] == ["summary.json"]


def test_the_table_tells_every_figure_and_is_not_cut_in_a_pipe(summary, capsys):
    summary = replace(summary, run_dir="runs/[bold]brackets[/bold] " + "long " * 60 + "end")
    summary.print_table(answer_console())
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert {line.split("  ")[0]: line.split("  ", 1)[1].strip() for line in lines} == {
        "data": "fashion-mnist: 54,000 training and 10,000 test images",
        "accuracy": "0.9456  (95 % interval 0.9411 to 0.9500)",
        "time": "812.3 s for 24 epochs",
        "images/s": "2,346",
        "run folder": summary.run_dir,
        "model version": f"fashion-mnist:3 (candidate) in {summary.registry}",
        "next": summary.next_command,
    }


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("uv run predict FILE_OR_FOLDER", "uv run api, or uv run predict FILE_OR_FOLDER"),
        ("uv run predict FILE_OR_FOLDER registry=a", "uv run predict FILE_OR_FOLDER registry=a"),
    ],
)
def test_a_model_that_a_service_finds_by_itself_may_be_served_next(summary, capsys, command, told):
    replace(summary, next_command=command).print_table(answer_console())
    assert capsys.readouterr().out.splitlines()[-1].split(maxsplit=1)[1].rstrip() == told


def test_one_epoch_is_told_in_the_singular(summary, capsys):
    replace(summary, epochs=1).print_table(answer_console())
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert [line for line in lines if line.endswith("812.3 s for 1 epoch")]


def test_a_narrow_terminal_loses_nothing(summary, capsys, monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "50")
    monkeypatch.setenv("NO_COLOR", "1")
    summary.print_table(answer_console())
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= 50
    joined = "".join(line[15:].strip() for line in out.splitlines())
    assert summary.registry in joined
