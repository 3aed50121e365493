"""The commands as a user runs them: real processes, a folder of their own, a small data set."""

import json
import os
import shutil
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from mlopsproj_data.sources.fashion_mnist import sample_source

CONFIGS = Path(__file__).parents[2] / "configs"
BIN = Path(sys.executable).parent
TINY = {"train": 60, "test": 20}
# Several threads would wait for each other more than they work on so small a network.
ENVIRONMENT = {"MLOPSPROJ_CONFIG_DIR": str(CONFIGS), "OMP_NUM_THREADS": "1"}


def write_idx(path: Path, array: np.ndarray) -> None:
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    path.write_bytes(header + array.tobytes())


@pytest.fixture(scope="session")
def tiny_data(tmp_path_factory) -> Path:
    """60 training and 20 test images of each class, as IDX files."""
    folder = tmp_path_factory.mktemp("tiny")
    records = list(sample_source().records())
    for split, beginning in (("train", "train"), ("test", "t10k")):
        images, labels = [], []
        for label in range(10):
            chosen = [r for r in records if r.split == split and r.label == label][: TINY[split]]
            images += [record.image for record in chosen]
            labels += [label] * len(chosen)
        write_idx(folder / f"{beginning}-images-idx3-ubyte", np.stack(images))
        write_idx(folder / f"{beginning}-labels-idx1-ubyte", np.array(labels, np.uint8))
    return folder


@dataclass(frozen=True)
class Workplace:
    """A user's folder, and the commands typed there."""

    path: Path
    data: Path

    def start(self, command: str, *arguments: str, **environment: str) -> subprocess.Popen:
        return subprocess.Popen(
            [str(BIN / command), *arguments],
            cwd=self.path,
            env={**os.environ, **ENVIRONMENT, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, command: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
        process = self.start(command, *arguments, **environment)
        out, err = process.communicate(timeout=240)
        return subprocess.CompletedProcess(command, process.returncode, out, err)

    def training(self, *arguments: str) -> tuple[str, ...]:
        """Arguments of a run that takes a few seconds."""
        return (
            "experiment=quick",
            "logger=disabled",
            "trainer.batch_size=64",
            "trainer.precision=float32",
            f"data.path={self.data}",
            "data.name=tiny",
            *arguments,
        )

    def train(self, *arguments: str) -> dict:
        """Train, which must succeed; the summary."""
        result = self.run("train", *self.training("output=json", *arguments))
        assert result.returncode == 0, result.stderr
        return json.loads(result.stdout)

    def aliases(self) -> dict[str, int]:
        result = self.run("registry", "list", "--json")
        assert result.returncode == 0, result.stderr
        (model,) = json.loads(result.stdout)
        return model["aliases"]

    def wait_until(
        self, happened: Callable[[], bool], process: subprocess.Popen, seconds: float = 120
    ) -> None:
        """Until something has happened that a running process does."""
        end = time.monotonic() + seconds
        while not happened():
            assert process.poll() is None, process.communicate()[1]
            assert time.monotonic() < end, "the process did not get that far"
            time.sleep(0.02)


@pytest.fixture(scope="session")
def make_workplace(tiny_data) -> Callable[[Path], Workplace]:
    return lambda path: Workplace(path, tiny_data)


@pytest.fixture
def workplace(tmp_path, make_workplace) -> Workplace:
    (tmp_path / "workplace").mkdir()
    return make_workplace(tmp_path / "workplace")


@pytest.fixture(scope="session")
def trained(tmp_path_factory, make_workplace) -> tuple[Workplace, dict]:
    """A folder with one finished run and its version in production; not to be changed."""
    workplace = make_workplace(tmp_path_factory.mktemp("trained"))
    return workplace, workplace.train("run_dir=run", "logger=offline")


@pytest.fixture
def copied(trained, make_workplace, tmp_path) -> Workplace:
    """A copy of `trained` that a test may change."""
    workplace, _ = trained
    shutil.copytree(workplace.path, tmp_path / "copy", symlinks=True)
    return make_workplace(tmp_path / "copy")
