import subprocess
import sys

import mlopsproj_records
import pytest


@pytest.mark.parametrize("name", mlopsproj_records.__all__)
def test_every_public_name_is_there(name):
    assert getattr(mlopsproj_records, name).__module__.startswith("mlopsproj_records.")


def test_a_name_that_is_not_there_is_told():
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = mlopsproj_records.nothing


@pytest.mark.parametrize(
    ("statement", "absent"),
    [
        ("import mlopsproj_records", {"sqlalchemy", "msgspec", "pyarrow"}),
        ("from mlopsproj_records import PredictionRecord, uuid7", {"sqlalchemy", "pyarrow"}),
        ("from mlopsproj_records import Database", {"alembic", "psycopg", "pyarrow"}),
    ],
)
def test_an_import_loads_only_what_is_used(statement, absent):
    code = f"import sys\n{statement}\nprint(*sorted({absent!r} & sys.modules.keys()))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == []


def test_a_database_that_needs_no_migration_is_opened_without_alembic(tmp_path):
    url = f"sqlite:///{tmp_path}/log.db"
    mlopsproj_records.upgrade(url)
    code = (
        "import sys\nfrom mlopsproj_records import Database\n"
        f"Database({url!r}).ping()\nassert 'alembic' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
