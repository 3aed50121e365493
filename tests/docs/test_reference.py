"""The reference is what the code says, and says all of it."""

import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import pytest
import typer
from mlopsproj_core.errors import MlopsprojError
from mlopsproj_train.config import TrainConfig
from reference_pages import commands, environment, errors, metrics
from reference_pages.described import UndescribedError, attributes, summary, type_name
from reference_pages.http import _shape
from reference_pages.markdown import table
from reference_pages.pages import PAGES, ROOT, outdated, text_of
from reference_pages.settings import SCHEMAS, keys, page, written


def scripts():
    for file in ROOT.glob("apps/*/pyproject.toml"):
        yield from tomllib.loads(file.read_text())["project"].get("scripts", {})


def test_pages_are_what_the_code_says():
    assert outdated() == [], "run `nox -s docs -- --write`"


def test_every_page_is_in_the_navigation():
    navigation = (ROOT / "mkdocs.yml").read_text()
    assert all(f"- reference/{name}\n" in navigation for name in PAGES)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_begins_with_the_title_that_the_site_shows(name):
    assert text_of(name).startswith("# ")


def test_every_command_is_told():
    assert {*commands.APPS, *SCHEMAS} == set(scripts())


def test_every_error_of_the_tree_is_told():
    text = text_of("errors.md")
    drawn = set(re.findall(r"[├└]── (\w+)", text))
    assert drawn == {kind.__name__ for kind in errors.kinds_of_errors()} - {"MlopsprojError"}


def test_every_variable_that_the_page_tells_has_a_row_once():
    for section in environment.rows().values():
        names = [row[0] for row in section]
        assert len(names) == len(set(names))


def test_keys_are_those_that_a_user_writes():
    told = {key.name: (key.type, key.default) for key in keys(TrainConfig())}
    assert told["trainer.precision"] == ("`auto`, `float32`, `bfloat16`, `float16`", "auto")
    assert told["model.network.widths"] == ("list of whole numbers", "[32,64,128]")
    assert told["run_dir"] == ("text or none", "null")
    assert told["data.drop_invalid"] == ("true or false", "false")


def test_a_value_is_written_as_hydra_reads_it():
    assert [written(value) for value in (None, True, 0.5, (1, None))] == [
        "null",
        "true",
        "0.5",
        "[1,null]",
    ]


def test_a_key_without_a_description_is_refused():
    @dataclass(frozen=True)
    class Inner:
        """Says nothing of its key."""

        silent: int = 0

    @dataclass(frozen=True)
    class Outer:
        """Outer.

        Attributes:
            inner: told.
        """

        inner: Inner = field(default_factory=Inner)

    with pytest.raises(UndescribedError, match=r"Inner\.silent has no description"):
        list(keys(Outer()))


def test_a_group_without_a_comment_is_refused(tmp_path):
    (tmp_path / "trainer").mkdir()
    (tmp_path / "trainer" / "tpu.yaml").write_text("accelerator: auto\n")
    with pytest.raises(UndescribedError, match="configs/trainer=tpu"):
        page(tmp_path)


def test_a_flag_without_help_is_refused(monkeypatch):
    app = typer.Typer()

    @app.command()
    def walk(*, far: Annotated[bool, typer.Option("--far")] = False) -> None:
        """Walk."""

    monkeypatch.setattr(commands, "APPS", {"walk": app})
    with pytest.raises(UndescribedError, match="walk --far has no description"):
        commands.page()


def test_a_command_without_help_is_refused():
    app = typer.Typer()

    @app.command()
    def walk() -> None:
        pass

    with pytest.raises(UndescribedError, match="walk has no description"):
        list(commands.commands(app, "walk"))


def test_a_variable_that_doctor_does_not_know_is_refused(monkeypatch):
    monkeypatch.setattr(environment, "KNOWN", {"MLOPSPROJ_STRANGE": None})
    with pytest.raises(UndescribedError, match="MLOPSPROJ_STRANGE"):
        environment.rows()


def test_an_error_without_a_mend_is_refused():
    with pytest.raises(UndescribedError, match="MlopsprojError does not say how"):
        errors.mend_of(MlopsprojError)


def test_a_field_without_a_description_is_refused():
    shapes = {"Thing": {"description": "A thing.", "properties": {"size": {"type": "integer"}}}}
    with pytest.raises(UndescribedError, match=r"Thing\.size has no description"):
        list(_shape("Thing", shapes))


@pytest.mark.parametrize("name", ["http-api.md", "http-monitor.md"])
def test_every_shape_that_a_route_names_is_told(name):
    text = text_of(name)
    shapes = {heading.lower() for heading in re.findall(r"^### (\w+)$", text, re.MULTILINE)}
    assert set(re.findall(r"\]\(#(\w+)\)", text)) <= shapes


def test_metrics_are_told_with_labels_and_unit():
    rows = [line for line in metrics.page().splitlines() if "`mlopsproj_" in line]
    wait = next(row for row in rows if row.startswith("| `mlopsproj_api_request_duration_seconds`"))
    assert wait.split(" | ")[1:4] == ["histogram", "`route`", "seconds"]


def test_attributes_of_a_class_and_what_it_extends():
    class First:
        """First.

        Attributes:
            one: of the first,
                in two lines.

        Raises:
            ValueError: never.
        """

    class Second(First):
        """Second.

        Attributes:
            two: of the second.
        """

    assert attributes(Second) == {"one": "of the first, in two lines.", "two": "of the second."}
    assert summary(Second) == "Second."


@pytest.mark.parametrize(
    ("annotation", "name"),
    [
        (Path, "path"),
        (int | None, "whole number or none"),
        (tuple[str, ...], "list of text"),
        (Annotated[float, "share"], "number"),
    ],
)
def test_names_of_types(annotation, name):
    assert type_name(annotation) == name


def test_a_bar_in_a_cell_ends_no_cell():
    assert table(("a",), [("x|y",)]).splitlines()[-1] == "| x\\|y |"
