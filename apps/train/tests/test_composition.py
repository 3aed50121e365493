"""What Hydra cannot compose becomes one error; test_hydra_command.py shows it from outside."""

import os
import re

import pytest
from hydra import compose, initialize
from hydra.core.config_store import ConfigStore
from mlopsproj_core.errors import ConfigError
from mlopsproj_train.composition import composition, to_schema
from mlopsproj_train.config import TrainConfig
from mlopsproj_train.hydra_command import composable
from omegaconf import open_dict


def test_values_that_fit_become_the_frozen_object():
    values = composable(TrainConfig)
    values.seed = 3
    config = to_schema(values, "train")
    assert isinstance(config, TrainConfig)
    assert (config.seed, config.trainer) == (3, TrainConfig().trainer)


@pytest.mark.parametrize(
    ("path", "named"), [((), "foo"), (("model", "network"), "model.network.foo")]
)
def test_a_key_that_was_added_is_named_whole(path, named):
    values = node = composable(TrainConfig)
    for key in path:
        node = node[key]
    with open_dict(node):
        node.foo = 1
    with pytest.raises(ConfigError, match=f"^{named}: there is no such setting"):
        to_schema(values, "train")


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("optimizer.lrr", "optimizer.lr"),
        ("optimiser.lr", "optimizer.lr"),
        ("trianer.max_epoch", "trainer.max_epochs"),
        ("data.augment.flp", "data.augment.flip"),
        ("optimizer.learning_rate", None),
        ("optimiser.x", None),
        ("+optimizer.lrr", "optimizer.lr"),
        ("+optimiser.lr", "optimizer"),  # as a whole it is no setting
    ],
)
def test_the_closest_setting_is_suggested(given, meant):
    ConfigStore.instance().store(name="misspelt", node=composable(TrainConfig))
    with (
        pytest.raises(ConfigError) as refusal,
        composition("train"),
        initialize(version_base="1.3", config_path=None),
    ):
        to_schema(compose("misspelt", overrides=[f"{given}=1"]), "train")
    suggestion = re.search(
        r"no such setting \(is (\S+) meant\?\); `train --help`", str(refusal.value)
    )
    assert (suggestion and suggestion[1]) == meant


def test_a_value_that_refers_to_nothing_is_told():
    values = composable(TrainConfig)
    values.run_dir = "${nope}/x"
    with pytest.raises(ConfigError, match=r"^Interpolation key 'nope' not found; see `train"):
        to_schema(values, "train")


def test_a_value_that_cannot_be_parsed_is_told_in_one_line():
    with (
        pytest.raises(ConfigError) as refusal,
        composition("train"),
        initialize(version_base="1.3", config_path=None),
    ):
        compose(overrides=["a=[1"])
    assert "\n" not in str(refusal.value)
    assert "http" not in str(refusal.value)


@pytest.mark.parametrize("before", ["0", None])
def test_the_environment_is_as_before(monkeypatch, before):
    monkeypatch.delenv("HYDRA_FULL_ERROR", raising=False)
    if before is not None:
        monkeypatch.setenv("HYDRA_FULL_ERROR", before)
    with composition("train"):
        assert os.environ["HYDRA_FULL_ERROR"] == "1"
    assert os.environ.get("HYDRA_FULL_ERROR") == before


def test_what_is_no_matter_of_settings_passes():
    with pytest.raises(ZeroDivisionError), composition("train"):
        _ = 1 / 0
