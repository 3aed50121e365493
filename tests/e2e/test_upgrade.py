"""What an earlier release left is taken over by the commands that the docs tell, in their order."""

import json
import shutil
import sqlite3
from pathlib import Path

import pytest
from mlopsproj_core.bundle import EVALUATION, REFERENCE
from mlopsproj_core.manifest import SCHEMA
from mlopsproj_core.registry import ModelVersion, Registry
from mlopsproj_data.prepared import READABLE, SCHEMA_VERSION
from mlopsproj_evaluation import Scores, read_reference
from mlopsproj_records.backup_format import FORMAT
from mlopsproj_records.schema import REVISIONS
from pages import ROOT, blocks, run

PAGE = ROOT / "docs" / "upgrading.md"
BUNDLES = [schema for schema in (SCHEMA - 1, SCHEMA) if schema > 0]


@pytest.fixture(params=[(schema, revision) for schema in BUNDLES for revision in REVISIONS])
def place(request, tmp_path):
    """A folder in which a release of these schemas has worked."""
    schema, revision = request.param
    frozen = ROOT / "packages" / "{}" / "tests" / "frozen"
    shutil.copytree(f"{frozen}/registry-{schema}".format("core"), tmp_path / "registry")
    dump = Path(f"{frozen}/{revision}.sqlite.sql".format("records")).read_text(encoding="utf-8")
    connection = sqlite3.connect(tmp_path / "mlopsproj.db")
    connection.executescript(dump)
    connection.close()
    return tmp_path


def test_the_commands_of_the_page_do_it(place):
    ran = []
    for block in blocks(PAGE):
        for line in block.lines:
            if line == "uv run api":
                continue  # it serves until it is told to end: tests of serving do that
            done = run(line, place)
            assert done.returncode == (1 if line.endswith("rollback") else 0), (line, done.stderr)
            ran.append(line)
    assert len(ran) == 8
    for registry in ("registry", "registry-restored"):
        verified = run(f"uv run registry verify --registry {registry} --json", place)
        assert json.loads(verified.stdout) == {
            "verified": ["brightness:1", "brightness:4"],
            "broken": {},
        }
    for database in ("mlopsproj", "before"):
        line = f"MLOPSPROJ_DATABASE_URL=sqlite:///{database}.db uv run api export-log {database}.p"
        assert json.loads(run(f"{line} --json", place).stdout)["predictions"] == 8


def test_a_version_is_rolled_back_to_what_the_old_release_made(place):
    """The page's rollback, where there is something to go back to."""
    registry = Registry(str(place / "registry"))
    registry.move_alias("brightness", "production", 4, actor="a", reason="r")
    assert run("uv run registry rollback", place).returncode == 0
    assert registry.resolve("brightness").number == 1


def test_what_judges_and_watches_a_version_reads_it(place):
    folder = Registry(str(place / "registry")).fetch(ModelVersion("brightness", 4))
    scores = Scores.read(folder / EVALUATION)
    assert (len(scores), int(scores.correct.sum())) == (40, 38)
    reference = read_reference(folder / REFERENCE)
    assert reference.num_rows == 40
    assert reference["brightness"].to_pylist()[1] > reference["brightness"].to_pylist()[0]


def test_the_page_names_the_schemas_that_there_are():
    rows = {
        cells[0].split(",")[0]: (cells[1], cells[2])
        for line in PAGE.read_text(encoding="utf-8").splitlines()
        if (cells := [cell.strip() for cell in line.strip("|").split("|")]) and len(cells) == 4
    }
    assert rows["bundles"][0] == str(SCHEMA)
    assert rows["prepared data"] == (str(SCHEMA_VERSION), str(min(READABLE)))
    assert rows["database of the prediction log"][0] == REVISIONS[-1]
    assert rows["backups of the prediction log"][0] == f"format {FORMAT}"
