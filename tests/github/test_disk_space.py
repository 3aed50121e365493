"""Room on a runner: `sudo` notes what it is asked for, and does it."""

import os
import subprocess
import sys

import pytest

SUDO = """#!/bin/sh
exec "$@"
"""
needs_posix = pytest.mark.skipif(os.name == "nt", reason="the stand-in of sudo is a script")


@pytest.fixture
def runner(tmp_path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "sudo").write_text(SUDO)
    (tmp_path / "bin" / "sudo").chmod(0o755)
    for folder in ("usr/share/dotnet/sdk", "usr/share/doc", "opt/ghc", "opt/other"):
        (tmp_path / "root" / folder).mkdir(parents=True)
    return tmp_path


def run(root, runner, **environment):
    path = os.pathsep.join([str(runner / "bin"), os.environ["PATH"]])
    return subprocess.run(
        [sys.executable, "infra/github/disk_space.py", "--root", runner / "root"],
        cwd=root,
        env={**os.environ, "PATH": path, "GITHUB_ACTIONS": "", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def folders(runner):
    top = runner / "root"
    return {path.relative_to(top).as_posix() for path in top.glob("*/*/")} | {
        path.relative_to(top).as_posix() for path in top.glob("*/*/*/")
    }


@needs_posix
def test_what_nobody_uses_is_removed_and_nothing_else(root, runner):
    done = run(root, runner, GITHUB_ACTIONS="true")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Free: ")
    assert folders(runner) == {"usr/share", "usr/share/doc", "opt/other"}


@needs_posix
def test_no_other_machine_is_emptied(root, runner):
    before = folders(runner)
    done = run(root, runner)
    assert (done.returncode, folders(runner)) == (1, before)
    assert "no runner of GitHub" in done.stderr
