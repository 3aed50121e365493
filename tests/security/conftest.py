"""The security checks, run as the session does: as commands."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / "infra" / "security"


@pytest.fixture(scope="session")
def root():
    return ROOT


@pytest.fixture
def check():
    """Runs a script; gives its exit code and what it says."""

    def run(name, *arguments):
        ended = subprocess.run(
            [sys.executable, str(SCRIPTS / f"{name}.py"), *map(str, arguments)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert not ended.stderr, ended.stderr
        return ended.returncode, ended.stdout

    return run
