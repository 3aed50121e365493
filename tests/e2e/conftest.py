"""The commands as a user runs them: real processes, in a folder of their own, on a small data set."""

import json
import os
import struct
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from mlopsproj_data.fashion_mnist import sample_source

CONFIGS = Path(__file__).parents[2] / "configs"
BIN = Path(sys.executable).parent
TINY = {"train": 60, "test": 20}


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
            env={**os.environ, "MLOPSPROJ_CONFIG_DIR": str(CONFIGS), **environment},
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

    def wait_for(self, path: str, process: subprocess.Popen, seconds: float = 120) -> None:
        """Until a file is there that a running process writes."""
        end = time.monotonic() + seconds
        while not (self.path / path).exists():
            assert process.poll() is None, process.communicate()[1]
            assert time.monotonic() < end, f"{path} was not written"
            time.sleep(0.02)


@pytest.fixture
def workplace(tmp_path, tiny_data) -> Workplace:
    return Workplace(tmp_path, tiny_data)


@pytest.fixture(scope="session")
def trained(tmp_path_factory, tiny_data) -> tuple[Workplace, dict]:
    """A folder with one finished run and its version in production; not to be changed."""
    workplace = Workplace(tmp_path_factory.mktemp("trained"), tiny_data)
    return workplace, workplace.train("run_dir=run", "logger=offline")


@pytest.fixture
def copied(trained, tmp_path) -> Workplace:
    """A copy of `trained` that a test may change."""
    import shutil

    workplace, _ = trained
    shutil.copytree(workplace.path, tmp_path / "copy", symlinks=True)
    return Workplace(tmp_path / "copy", workplace.data)
