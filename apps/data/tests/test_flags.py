"""Every setting of a data set is a flag, and messages speak of flags."""

from dataclasses import fields
from datetime import UTC, datetime

import pytest
import typer
from mlopsproj_core.errors import DataError
from mlopsproj_data import DataConfig
from mlopsproj_data.config import Source
from mlopsproj_data_cli.flags import FLAGS, as_flags, takes_data
from typer.testing import CliRunner


@pytest.fixture
def ask():
    """What a command is given for arguments, and how it ended."""

    def run(*arguments, drop_invalid=True):
        given = []
        app = typer.Typer()

        @app.command()
        @takes_data(drop_invalid=drop_invalid)
        def show(config: DataConfig, *, extra: str = "own") -> None:
            """Show it."""
            given.append((config, extra))

        answer = CliRunner().invoke(app, arguments)
        return given, answer

    return run


def test_every_flag_is_a_setting():
    assert set(FLAGS) < {field.name for field in fields(DataConfig)}


def test_without_flags_the_defaults_are_meant(ask):
    given, answer = ask()
    assert answer.exit_code == 0
    assert given == [(DataConfig(), "own")]


def test_flags_become_settings(ask):
    given, _ = ask(
        *("photos", "--source", "table", "--labels", "a.csv", "--path-column", "file"),
        *("--label-column", "kind", "--split-column", "part", "--group", "person"),
        *("--name", "mine", "--image-size", "64", "--channels", "1"),
        *("--validation-fraction", "0.2", "--prepared-dir", "kept", "--drop-invalid"),
        *("--extra", "more"),
    )
    expected = DataConfig(
        source=Source.table,
        path="photos",
        labels="a.csv",
        path_column="file",
        label_column="kind",
        split_column="part",
        group="person",
        name="mine",
        image_size=64,
        channels=1,
        validation_fraction=0.2,
        drop_invalid=True,
        prepared_dir="kept",
    )
    assert given == [(expected, "more")]


def test_a_command_that_drops_nothing_has_no_flag_for_it(ask):
    given, answer = ask("--drop-invalid", drop_invalid=False)
    assert (given, answer.exit_code) == ([], 2)


@pytest.mark.parametrize("wrong", [("--image-size", "big"), ("--source", "photos"), ("--colour",)])
def test_what_is_no_value_is_refused(ask, wrong):
    given, answer = ask(*wrong)
    assert (given, answer.exit_code) == ([], 2)
    assert wrong[0] in answer.output


def test_messages_name_flags():
    told = as_flags(
        "data.path=photos/x holds data.csv: name data.label_column=NAME, or set"
        " data.drop_invalid=true. data.path is not data.paths.",
        FLAGS,
    )
    assert told == (
        "photos/x holds data.csv: name --label-column=NAME, or set"
        " --drop-invalid. PATH is not data.paths."
    )


def test_a_list_is_named_as_it_is_typed():
    assert as_flags("give data.add=[feedback].", FLAGS) == "give --add feedback."


def test_feedback_counts_until_the_command_began(ask):
    (config, _), *_ = ask("photos", "--add", "feedback", drop_invalid=True)[0]
    assert datetime.fromisoformat(config.feedback_until) <= datetime.now(UTC)
    (config, _), *_ = ask("photos", drop_invalid=True)[0]
    assert config.feedback_until is None


def test_a_setting_without_a_flag_is_left_as_it_is():
    assert as_flags("set data.drop_invalid=true", ["name"]) == "set data.drop_invalid=true"


@pytest.mark.parametrize("name", ["my/data.group", "data.name.csv", "old-data.path", "data.path.x"])
def test_the_name_of_a_file_is_left_as_it_is(name):
    assert as_flags(f"{name} is bad: {name}.", FLAGS) == f"{name} is bad: {name}."


def test_an_error_keeps_its_kind_and_its_cause():
    @takes_data(drop_invalid=True)
    def fail(config: DataConfig) -> None:
        raise DataError(f"data.path={config.path} is bad")

    with pytest.raises(DataError, match=r"^photos is bad$") as caught:
        fail(path="photos", **{name: getattr(DataConfig(), name) for name in FLAGS})
    assert isinstance(caught.value.__cause__, DataError)
