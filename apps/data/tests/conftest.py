"""A folder of small photographs, and the command `data` as a user runs it."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from mlopsproj_data_cli.cli import main
from PIL import Image

COMMAND = Path(sys.executable).parent / "data"


@pytest.fixture(scope="session")
def write_photos() -> Callable[..., Path]:
    """Writes so many random images of each of two classes, as PNG files in class folders."""

    def write(folder: Path, *, each: int = 40, seed: int = 0) -> Path:
        rng = np.random.default_rng(seed)
        for name, low in (("bright", 128), ("dark", 0)):
            (folder / name).mkdir(parents=True, exist_ok=True)
            for index in range(each):
                pixels = rng.integers(low, low + 128, (32, 40, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / name / f"{index:03}.png")
        return folder

    return write


@pytest.fixture
def photos(write_photos, tmp_path) -> Path:
    """A clean folder, `photos` in the folder in which the command is run."""
    return write_photos(tmp_path / "photos")


@dataclass(frozen=True)
class Ended:
    """What a command left behind."""

    code: int
    out: str
    err: str


@pytest.fixture
def run(tmp_path, monkeypatch, capsys) -> Callable[..., Ended]:
    """The command inside this process, in `tmp_path`."""

    def run_main(*arguments: str) -> Ended:
        with monkeypatch.context() as patch:
            patch.chdir(tmp_path)
            patch.setattr(sys, "argv", ["data", *arguments])
            capsys.readouterr()
            with pytest.raises(SystemExit) as end:
                main()
        shown = capsys.readouterr()
        return Ended(end.value.code or 0, shown.out, shown.err)

    return run_main


@pytest.fixture
def run_process(tmp_path) -> Callable[..., Ended]:
    """The command in a process of its own."""

    def run_command(*arguments: str) -> Ended:
        ended = subprocess.run(
            [COMMAND, *arguments],
            cwd=tmp_path,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return Ended(ended.returncode, ended.stdout, ended.stderr)

    return run_command
