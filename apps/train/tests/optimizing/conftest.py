"""A small model in a registry of its own, and one whole climb from it that is shared."""

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from mlopsproj_core.registry import Registry
from mlopsproj_models.config import Calibration, NetworkConfig
from mlopsproj_train.config import Accelerator, Output
from mlopsproj_train.optimizing import session
from mlopsproj_train.optimizing.config import (
    DistillationConfig,
    OptimizeConfig,
    PruningConfig,
    QuantisationConfig,
    TimingConfig,
)
from mlopsproj_train.optimizing.timing import Case
from mlopsproj_train.pipeline import run_pipeline
from mlopsproj_train.run_folder import RunFolder

SPEEDS = {"fp32": 1.0, "folded": 1.05, "int8-dynamic": 0.5, "int8-minmax": 2.0, "int8-mixed": 1.5}
"""Times as fast as the parent, that stand for what a machine would show."""


def fake_times(workshop):
    """Stands in for the clock of a busy machine: two cases, the same speed in every round."""
    parent = [1.0] * 20
    pairs = {name: ([1 / SPEEDS.get(name, 1.8)] * 20, parent) for name in workshop.standing}
    cases = [Case(batch, 1, pairs) for batch in (1, 32)]
    return cases, {"torch-eager": "not asked for", "torch-compile": "not asked for"}


@pytest.fixture
def known_speeds(monkeypatch):
    monkeypatch.setattr(session, "time_variants", fake_times)


@dataclass(frozen=True)
class Model:
    """A version, its run and its registry; not to be changed."""

    run: RunFolder
    registry: Path

    def config(self, folder: Path, **changes) -> OptimizeConfig:
        """A climb of few rungs in a folder, with a registry of its own."""
        if not (folder / "registry").exists():
            shutil.copytree(self.registry, folder / "registry")
        config = OptimizeConfig(
            bundle=str(self.run.path),
            quantisation=QuantisationConfig(methods=(Calibration.minmax,), images=32),
            pruning=PruningConfig(ratios=(), epochs=1),
            distillation=DistillationConfig(widths=(), epochs=1),
            timing=TimingConfig(batches=(1,), threads=(1,), rounds=15, seconds=0.1, torch=False),
            accelerator=Accelerator.cpu,
            registry=str(folder / "registry"),
            out=str(folder / "climb"),
            output=Output.json,
        )
        return replace(config, **changes)


@pytest.fixture(scope="session")
def model(tiny_config, tmp_path_factory) -> Model:
    folder = tmp_path_factory.mktemp("model")
    network = NetworkConfig(stem_width=16, widths=(24,), blocks=(1,))
    config = replace(
        tiny_config,
        model=replace(tiny_config.model, network=network),
        run_dir=str(folder / "run"),
        registry=str(folder / "registry"),
        trainer=replace(tiny_config.trainer, max_epochs=3),
    )
    run_pipeline(config)
    return Model(RunFolder(folder / "run"), folder / "registry")


@dataclass(frozen=True)
class Climbed:
    """What a whole climb left; not to be changed."""

    folder: Path
    document: dict
    registry: Registry
    config: OptimizeConfig


@pytest.fixture(scope="session")
def climbed(model, tmp_path_factory) -> Climbed:
    folder = tmp_path_factory.mktemp("climbed")
    config = model.config(
        folder,
        pruning=PruningConfig(ratios=(0.5,), epochs=1),
        distillation=DistillationConfig(widths=(0.5,), epochs=1),
        accept_undecided="twelve images decide nothing",
        budget=0.5,
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(session, "time_variants", fake_times)
        document = session.optimise(config, own_data=True)
    return Climbed(folder / "climb", document, Registry(config.registry), config)
