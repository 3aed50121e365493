"""Without the extra `parquet`, what needs it says so; serving does not."""

import subprocess
import sys

import pytest

WITHOUT = """
import sys
sys.modules["pyarrow"] = None
sys.argv = ["api", *sys.argv[1:]]
from mlopsproj_api.cli import main
main()
"""


@pytest.mark.parametrize("arguments", [["export-log", "log.parquet"], ["backup", "out"]])
def test_the_missing_extra_is_named(tmp_path, arguments):
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT, *arguments],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert "extra `parquet` of mlopsproj-api" in done.stderr
    assert not list(tmp_path.iterdir())
