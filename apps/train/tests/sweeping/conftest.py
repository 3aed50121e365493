"""Sweeps over trials that are computed instead of trained."""

import logging

import pytest
from mlopsproj_train.config import PrunerConfig, PrunerKind, TrainConfig
from mlopsproj_train.sweeping import search as search_module
from mlopsproj_train.sweeping.outcomes import results
from mlopsproj_train.sweeping.search import Search
from mlopsproj_train.sweeping.search_space import SearchSpace
from mlopsproj_train.sweeping.study import Beginning, begin_sweep, storage_errors

SPACE = {"optimizer.lr": {"low": 1e-4, "high": 1e-1, "log": True}}
NO_PRUNER = PrunerConfig(kind=PrunerKind.none)


def beginning_of(space, base=None, **changes):
    values = {"data": "tiny", "fingerprint": "f" * 64, "validation_images": 100}
    base = base or TrainConfig()
    return Beginning(SearchSpace.read(space, base), ("seed=0",), **values | changes)


@pytest.fixture
def beginning():
    """Makes what a sweep of some space begins with."""
    return beginning_of


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(search_module, "_LOOK_EVERY_SECONDS", 0.05)
    logging.getLogger("optuna").setLevel(logging.CRITICAL)


@pytest.fixture
def open_sweep():
    """Opens a sweep in the test's folder."""

    def open_(space=SPACE, name="tiny", url=None):
        return begin_sweep(name, url, beginning_of(space))

    return open_


@pytest.fixture
def searched(open_sweep):
    """Runs a search in a sweep; its trials as the study knows them, best first."""

    def run(train, trials, space=SPACE, *, pruner=NO_PRUNER, seed=0):
        with storage_errors(None):
            sweep = open_sweep(space)
            Search(sweep, pruner, seed=seed, train=train).run(trials)
        return results(sweep.study.get_trials(), sweep.beginning.space)

    return run
