import importlib.util

import pytest
from mlopsproj_core.errors import ConfigError
from mlopsproj_models.config import ModelConfig, NetworkConfig
from mlopsproj_models.efficientnet_lite import EfficientNetLite0
from mlopsproj_models.factory import build_network
from mlopsproj_models.residual_network import ResidualNetwork
from mlopsproj_models.timm_network import TimmNetwork

NEEDS_TIMM = pytest.mark.skipif(
    importlib.util.find_spec("timm") is None, reason="needs the extra timm"
)


@pytest.mark.parametrize(
    ("architecture", "kind"),
    [
        ("residual", ResidualNetwork),
        ("efficientnet_lite0", EfficientNetLite0),
        pytest.param("timm/test_resnet", TimmNetwork, marks=NEEDS_TIMM),
    ],
)
def test_builds_what_is_named(architecture, kind):
    config = ModelConfig(architecture=architecture, pretrained=False)
    network = build_network(config, channels=1, classes=5)
    assert type(network) is kind
    assert network.head.out_features == 5
    assert not network.pretrained


def test_the_residual_network_is_the_configured_one_and_never_pretrained():
    config = ModelConfig(architecture="residual", network=NetworkConfig(widths=(8,), blocks=(0,)))
    network = build_network(config, channels=3, classes=2)
    assert network.embedding_size == 8
    assert not network.pretrained


@pytest.mark.parametrize("name", ["auto", "resnet18", "", "EfficientNet_lite0"])
def test_a_name_that_is_none_is_refused(name):
    with pytest.raises(ConfigError, match=rf"model\.architecture={name}: give residual, "):
        build_network(ModelConfig(architecture=name), channels=1, classes=2)
