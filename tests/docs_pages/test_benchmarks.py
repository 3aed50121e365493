"""The page of the benchmarks is what their results give."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
WRITE = "import page; print(page.write_page(), end='')"


def test_the_page_is_what_its_script_writes():
    written = subprocess.run(
        [sys.executable, "-c", WRITE],
        env={"PYTHONPATH": str(ROOT / "benchmarks"), "PYTHONUTF8": "1"},
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    page = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    assert written.stdout == page, "run `python benchmarks/page.py` and commit what it writes"
