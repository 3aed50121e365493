"""A tiny data set, one whole run on it that is shared, and trainings of a second or less."""

import json
import logging
import shutil
import signal
import struct
import sys
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from mlopsproj_core.bundle import Bundle
from mlopsproj_core.registry import Registry
from mlopsproj_data import DataConfig, DataModule, PreparedDataset, prepare
from mlopsproj_data.config import Source
from mlopsproj_models.config import ModelConfig, NetworkConfig, OptimizerConfig
from mlopsproj_train.config import (
    Accelerator,
    LoggerConfig,
    Precision,
    TrainConfig,
    TrainerConfig,
    WandbMode,
)
from mlopsproj_train.fitting import fit
from mlopsproj_train.pipeline import run_pipeline
from mlopsproj_train.planning import new_module
from mlopsproj_train.run_folder import RunFolder
from mlopsproj_train.summary import Summary

CLASSES, TRAIN, TEST = 4, 30, 12


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    """Networks this small gain nothing from a second thread, and wait for it on a busy machine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        torch.set_num_threads(1)
        yield


def write_idx(path, array):
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    path.write_bytes(header + array.astype(np.uint8).tobytes())


@pytest.fixture(scope="session")
def tiny_data(tmp_path_factory) -> Path:
    """Noise with a bright square whose corner is the class, as IDX files."""
    folder = tmp_path_factory.mktemp("tiny-idx")
    random = np.random.default_rng(0)
    for beginning, count in (("train", TRAIN), ("t10k", TEST)):
        labels = np.tile(np.arange(CLASSES), count)
        images = random.integers(0, 150, (len(labels), 28, 28))
        for image, label in zip(images, labels, strict=True):
            row, column = 14 * (label // 2), 14 * (label % 2)
            image[row + 2 : row + 12, column + 2 : column + 12] += 60
        write_idx(folder / f"{beginning}-images-idx3-ubyte", images)
        write_idx(folder / f"{beginning}-labels-idx1-ubyte", labels)
    return folder


@pytest.fixture(scope="session")
def tiny_config(tiny_data, tmp_path_factory) -> TrainConfig:
    """A run of two epochs, of six steps each, without W&B; folders stand in the test's own."""
    prepared = tmp_path_factory.mktemp("prepared")
    return TrainConfig(
        data=DataConfig(
            source=Source.idx,
            path=str(tiny_data),
            name="tiny",
            prepared_dir=str(prepared),
            augment=replace(DataConfig().augment, flip=False),
        ),
        model=ModelConfig(
            architecture="residual",
            network=NetworkConfig(stem_width=4, widths=(8,), blocks=(0,)),
        ),
        optimizer=OptimizerConfig(),
        trainer=TrainerConfig(
            accelerator=Accelerator.cpu, precision=Precision.float32, max_epochs=2, batch_size=16
        ),
        logger=LoggerConfig(wandb=WandbMode.disabled),
    )


@pytest.fixture
def config_in(tiny_config, tmp_path):
    """Gives the tiny configuration with folders in the test's own."""

    def make(run="run", **changes):
        config = replace(
            tiny_config, run_dir=str(tmp_path / run), registry=str(tmp_path / "registry")
        )
        return replace(config, **changes)

    return make


@pytest.fixture(scope="session")
def tiny_dataset(tiny_config) -> PreparedDataset:
    return prepare(tiny_config.data)


@contextmanager
def kept_logging():
    """A command sets logging up for its process; the tests' own goes on afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)


@pytest.fixture(autouse=True)
def _kept_logging():
    with kept_logging():
        yield


@dataclass(frozen=True)
class Trained:
    """A finished run; not to be changed."""

    summary: Summary
    config: TrainConfig
    folder: RunFolder
    registry: Registry

    @property
    def bundle(self) -> Bundle:
        return Bundle.open(self.folder.bundle)


@pytest.fixture(scope="session")
def trained(tiny_config, tmp_path_factory) -> Trained:
    """One whole run of three epochs, with W&B offline."""
    folder = tmp_path_factory.mktemp("trained")
    config = replace(
        tiny_config,
        run_dir=str(folder / "run"),
        registry=str(folder / "registry"),
        logger=LoggerConfig(wandb=WandbMode.offline),
        trainer=replace(tiny_config.trainer, max_epochs=3),
    )
    with kept_logging():
        summary = run_pipeline(config)
    return Trained(summary, config, RunFolder(folder / "run"), Registry(str(folder / "registry")))


class InterruptedData(DataModule):
    """Sends this process a Ctrl-C at a step, eight unless told: in the middle of the 2nd epoch."""

    interrupt_at: int | None = 8

    def on_after_batch_transfer(self, batch, dataloader_idx):
        if self.trainer.training and self.trainer.global_step == self.interrupt_at:
            signal.raise_signal(signal.SIGINT)
        return super().on_after_batch_transfer(batch, dataloader_idx)


@pytest.fixture
def interrupted_data():
    return InterruptedData


@pytest.fixture
def train_only(tiny_dataset):
    """Trains in a folder, without what comes after: `fit` and its arguments."""

    def train(config, path, *, interrupt_at=None, phases=None):
        folder = RunFolder(Path(path))
        folder.path.mkdir(exist_ok=True)
        data = InterruptedData(
            tiny_dataset,
            batch_size=config.trainer.batch_size,
            seed=config.seed,
            augment=config.data.augment,
        )
        data.interrupt_at = interrupt_at
        module = new_module(config, tiny_dataset)
        return fit(module, data, config, folder, tracker=None, phases=phases)

    return train


@pytest.fixture
def exported_before(trained):
    """Stands in for `make_bundle`, whose export takes seconds: gives the shared run's bundle."""

    def make_bundle(graph, dataset, run, config):
        shutil.copytree(trained.folder.bundle, run.bundle)
        return Bundle.open(run.bundle)

    return make_bundle


@pytest.fixture
def read_json():
    return lambda path: json.loads(Path(path).read_text())


@pytest.fixture
def run_main(monkeypatch, capsys):
    """Runs the `main` of a command in this process; exit code, stdout and stderr."""

    def run(main, *arguments):
        monkeypatch.setattr(sys, "argv", [main.__module__, *arguments])
        try:
            main()
        except SystemExit as end:
            code = end.code or 0
        else:
            code = 0
        return code, *capsys.readouterr()

    return run
