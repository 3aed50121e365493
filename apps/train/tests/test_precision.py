import copy
import time

import pytest
import torch
from mlopsproj_core.errors import ConfigError
from mlopsproj_models.config import NetworkConfig
from mlopsproj_models.residual_network import ResidualNetwork
from mlopsproj_train.config import Precision
from mlopsproj_train.precision import _faster, choose_precision, lightning_precision


@pytest.fixture
def network():
    return ResidualNetwork(
        NetworkConfig(stem_width=4, widths=(8,), blocks=(1,)), channels=1, classes=3
    )


@pytest.fixture
def images():
    return torch.randint(0, 256, (8, 16, 16, 1), dtype=torch.uint8)


def test_what_is_asked_for_is_kept(network, images):
    for wanted in (Precision.float32, Precision.bfloat16):
        assert choose_precision(wanted, "cpu", network, images) is wanted


def test_auto_on_a_cpu_measures_and_leaves_the_network_as_it_was(network, images):
    before = copy.deepcopy(network.state_dict())
    state = torch.get_rng_state()
    chosen = choose_precision(Precision.auto, "cpu", network, images)
    assert chosen in {Precision.float32, Precision.bfloat16}
    assert all(torch.equal(network.state_dict()[name], value) for name, value in before.items())
    assert all(parameter.grad is None for parameter in network.parameters())
    assert torch.equal(torch.get_rng_state(), state)


def pause(seconds):
    return lambda: time.sleep(seconds)


def test_bfloat16_must_be_clearly_faster():
    assert _faster(pause(0.04), pause(0.01)) is Precision.bfloat16
    assert _faster(pause(0.01), pause(0.04)) is Precision.float32
    assert _faster(pause(0.02), pause(0.02)) is Precision.float32


def test_the_first_step_of_each_does_not_count():
    seconds = iter([0.2, *[0.01] * 20])
    assert _faster(pause(0.03), lambda: time.sleep(next(seconds))) is Precision.bfloat16


def test_other_devices_are_not_measured(network, images):
    assert choose_precision(Precision.auto, "mps", network, images) is Precision.float32
    assert choose_precision(Precision.float16, "cuda", network, images) is Precision.float16


def test_float16_on_a_cpu_is_refused(network, images):
    with pytest.raises(ConfigError, match="float16 needs a GPU"):
        choose_precision(Precision.float16, "cpu", network, images)


@pytest.mark.parametrize("precision", [p for p in Precision if p is not Precision.auto])
def test_lightning_has_a_name_for_each(precision):
    assert lightning_precision(precision).startswith(("32", "bf16", "16"))
