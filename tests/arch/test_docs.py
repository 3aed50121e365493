"""The README and the docs say what is there."""

import re
import tomllib
from dataclasses import fields

import pytest
from mlopsproj_core.bundle import PERTURBED, REQUIRED, ROBUSTNESS
from mlopsproj_core.command import INTERRUPTED
from mlopsproj_core.errors import MlopsprojError
from mlopsproj_core.manifest import MANIFEST, SCHEMA, Manifest
from mlopsproj_core.onnx_graph import OUTPUT_NAMES
from mlopsproj_evaluation.corruptions.catalogue import CORRUPTIONS
from mlopsproj_evaluation.gates import GATES as ASKED
from mlopsproj_evaluation.gates import GateLimits
from mlopsproj_records.schema import metadata as records
from mlopsproj_train.summary import Summary
from reference_pages.settings import SCHEMAS, keys

PAGES = ["README.md", "CONTRIBUTING.md", "docs"]
# Commands of the tools; the rest must be ours.
TOOLS = {"mkdocs", "nox", "prek", "pytest", "bentoml"}


@pytest.fixture(scope="module")
def contracts(root):
    return (root / "docs" / "contracts.md").read_text()


@pytest.fixture(scope="module")
def commands(root):
    return (root / "docs" / "commands.md").read_text()


def section(text, heading):
    return re.split(r"^## ", text.split(f"\n## {heading}\n")[1], flags=re.MULTILINE)[0]


def table(text):
    """Rows of the first table: lists of cells, without the head."""
    rows = [line for line in text.splitlines() if line.startswith("|")][2:]
    return [[cell.strip().strip("`") for cell in row.strip("|").split("|")] for row in rows]


def tables(text):
    """Every table as `table` gives it."""
    blocks = re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)
    return [table(block) for block in blocks]


def scripts(members):
    return {name for m in members for name in m.settings["project"].get("scripts", {})}


def documents(root):
    for name in PAGES:
        path = root / name
        yield from sorted(path.rglob("*.md")) if path.is_dir() else [path]


def test_the_gates_are_told_in_their_order_with_their_limits(root):
    text = (root / "docs" / "concepts" / "judging.md").read_text()
    told = tables(text.split("## The gates")[1])[0]
    assert [name for name, *_ in told] == ["bundle", *ASKED]
    limits = GateLimits()
    assert [limit for *_, limit in told] == [
        *("none", "none"),
        f"{100 * limits.margin:g} points",
        f"{100 * limits.margin:g} points",
        f"{100 * limits.class_margin:g} points",
        f"{limits.calibration_margin:g}",
        f"{100 * limits.robustness_margin:g} points",
        f"{limits.size_ratio:g} times",
        f"{limits.latency_ratio:g} times",
    ]


def test_columns_of_the_records(contracts):
    text = section(contracts, "Records")
    of_predictions, of_monitoring = tables(text)
    told = [name for names, _ in of_predictions for name in re.findall(r"\w+", names)]
    assert told == [column.name for column in records.tables["prediction"].columns]
    names = {name: re.findall(r"\w+", columns) for name, columns, _ in of_monitoring}
    assert names.keys() == records.tables.keys() - {"prediction", "feedback"}
    for name, columns in names.items():
        assert columns == [column.name for column in records.tables[name].columns]
    assert all(f"`{column.name}`" in text for column in records.tables["feedback"].columns)


def test_exit_codes_are_those_of_the_errors(contracts):
    def codes(error):
        yield error.exit_code
        for kind in error.__subclasses__():
            yield from codes(kind)

    told = {int(code) for code, _ in table(section(contracts, "Commands"))}
    assert told == {0, *codes(MlopsprojError), INTERRUPTED}


def test_files_of_a_bundle(contracts):
    text = section(contracts, "Bundle")
    assert {name for name, _ in table(text)} == {MANIFEST, *REQUIRED}
    assert f"`{ROBUSTNESS}`" in text
    assert f"`{PERTURBED}`" in text
    assert f"schema {SCHEMA}." in text
    names = {field.alias or name for name, field in Manifest.model_fields.items()}
    assert all(f"`{name}`" in text for name in names)


def test_corruptions_are_told_as_they_are(root):
    told, measured = tables((root / "docs" / "concepts" / "robustness.md").read_text())
    assert [(name, meaning, signals) for name, meaning, _, signals in told] == [
        (each.name, each.meaning, ", ".join(each.signals)) for each in CORRUPTIONS.values()
    ]
    assert [name for name, *_ in measured] == ["all", *CORRUPTIONS]


def test_outputs_of_the_graph(contracts):
    names = [name for name, *_ in table(section(contracts, "Graph"))]
    assert names == ["image", *OUTPUT_NAMES]


def test_keys_of_a_summary(contracts):
    told = [key for keys, _ in table(section(contracts, "Run")) for key in re.findall(r"\w+", keys)]
    assert sorted(told) == sorted(field.name for field in fields(Summary))


def test_every_command_has_its_section(commands, members):
    assert set(re.findall(r"^## (\S+)", commands, re.MULTILINE)) == scripts(members)


@pytest.mark.parametrize(("command", "schema"), SCHEMAS.items())
def test_every_setting_in_an_example_exists(root, command, schema):
    known = {key.name for key in keys(schema())}
    if command != "predict":
        known |= {"data"}
    if command in {"train", "optimize", "sweep"}:
        known |= {path.name for path in (root / "configs").iterdir() if path.is_dir()}
    for path in documents(root):
        for line in re.findall(rf"uv run {command}\b([^\n#`]*)", path.read_text()):
            told = set(re.findall(r"(?<!\S)([\w.]+)=", line))
            assert told <= known, f"{path.name}: {command} has no {told - known}"


def test_every_command_that_is_told_exists(root, members):
    known = scripts(members) | TOOLS
    for path in documents(root):
        told = set(re.findall(r"uv run (?:--group \S+ )?([a-z]\S*?)\b", path.read_text()))
        assert told <= known, f"{path.name} tells of {told - known}"


def test_groups_of_values_that_are_told_exist(root):
    groups = {path.name for path in (root / "configs").iterdir() if path.is_dir()}
    for path in documents(root):
        for line in re.findall(r"uv run train.*", path.read_text()):
            for group, value in re.findall(r"\b(\w+)=(\w+)", line):
                file = root / "configs" / group / f"{value}.yaml"
                assert group not in groups or file.exists(), f"{path.name}: {group}={value}"


def test_sessions_that_are_told_exist(root):
    text = (root / "noxfile.py").read_text()
    sessions = set(re.findall(r"^def ([a-z]\w*)\(session", text, re.MULTILINE))
    for path in [*documents(root), root / ".ci" / "run"]:
        told = set(re.findall(r"nox (?:-s|--session) \"?([a-z]\w*)", path.read_text()))
        assert told <= sessions, f"{path.name} tells of {told - sessions}"


def test_readme_tree_is_the_real_one(root):
    text = (root / "README.md").read_text()
    lines = text.split("\n## The tree\n")[1].split("```")[1].strip("\n").splitlines()
    told, folder = set(), ""
    for line in lines:
        name = line.split()[0]
        if not line.startswith(" "):
            folder = name
            told.add(name)
        else:
            told.add(folder + name)
    assert all((root / name).exists() for name in told)
    members = {
        f"{file.parent.relative_to(root).as_posix()}/"
        for file in [*root.glob("packages/*/pyproject.toml"), *root.glob("apps/*/pyproject.toml")]
    }
    assert {name for name in told if name.startswith(("packages/", "apps/"))} == members | {
        "packages/",
        "apps/",
    }


def test_images_of_the_readme_exist(root):
    text = (root / "README.md").read_text()
    for target in re.findall(r"\]\(((?!http)[^)#]+)", text):
        assert (root / target).exists(), target


def test_docs_name_every_library(root, members):
    pages = {path.stem for path in (root / "docs" / "reference" / "python").glob("*.md")}
    libraries = {m.folder.name for m in members if m.folder.parent.name == "packages"}
    assert pages == libraries
    settings = (root / "mkdocs.yml").read_text()
    assert all(f"packages/{name}/src" in settings for name in libraries)


def test_python_versions_of_the_noxfile_are_those_of_the_workspace(root):
    workspace = tomllib.loads((root / "pyproject.toml").read_text())
    listed = re.search(r"PYTHONS = \[(.*)\]", (root / "noxfile.py").read_text())[1]
    first, *_, last = re.findall(r"3\.(\d+)", listed)
    assert workspace["project"]["requires-python"] == f">=3.{first},<3.{int(last) + 1}"


def test_the_picture_shows_commands_that_there_are(root, members):
    text = (root / "docs" / "images" / "pipeline.svg").read_text()
    told = re.findall(r'class="type"[^>]*>([^<]+)<', text)
    commands = (root / "docs" / "reference" / "commands.md").read_text()
    known = set(re.findall(r"^###? (.+)$", commands, re.MULTILINE)) | scripts(members)
    assert len(told) > 5
    assert set(told) <= known


def test_readme_tree_tells_the_subcommands_that_there_are(root):
    tree = (root / "README.md").read_text().split("\n## The tree\n")[1]
    commands = (root / "docs" / "reference" / "commands.md").read_text()
    told = dict(re.findall(r"`(\w+) ([\w|]+)`", tree))
    assert told.keys() == {"data", "registry"}
    for command, subcommands in told.items():
        there = re.findall(rf"^### {command} (\w+)$", commands, re.MULTILINE)
        assert subcommands.split("|") == there
