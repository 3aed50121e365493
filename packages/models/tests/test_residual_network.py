import pytest
import torch
from mlopsproj_core.errors import ConfigError
from mlopsproj_models.config import NetworkConfig
from mlopsproj_models.residual_network import ResidualBlock, ResidualNetwork


@pytest.mark.parametrize("side", [28, 33, 64])
@pytest.mark.parametrize("channels", [1, 3])
def test_gives_a_logit_for_each_class(side, channels):
    network = ResidualNetwork(NetworkConfig(), channels=channels, classes=7).eval()
    images = torch.randint(0, 256, (2, side, side, channels), dtype=torch.uint8)
    inputs = network.normalise(images)
    assert inputs.shape == (2, channels, side, side)
    assert network(inputs).shape == (2, 7)
    assert network.embed(inputs).shape == (2, network.embedding_size)


def test_a_new_block_is_the_identity_for_what_is_not_negative():
    features = torch.rand(2, 4, 5, 5)
    assert torch.equal(ResidualBlock(4)(features), features)


@pytest.mark.parametrize(
    "config",
    [
        NetworkConfig(widths=(8, 16), blocks=(1,)),
        NetworkConfig(widths=(), blocks=()),
        NetworkConfig(widths=(0,), blocks=(1,)),
        NetworkConfig(widths=(8,), blocks=(-1,)),
        NetworkConfig(stem_width=0),
    ],
)
def test_refuses_layers_that_do_not_go_together(config):
    with pytest.raises(ConfigError, match=r"model\.network\."):
        ResidualNetwork(config, channels=1, classes=2)


def test_refuses_images_that_the_stages_halve_to_nothing():
    config = NetworkConfig(stem_width=4, widths=(8, 8, 8, 8), blocks=(0, 0, 0, 0))
    network = ResidualNetwork(config, channels=1, classes=2).eval()
    with pytest.raises(ConfigError, match=r"8 pixels .*data\.image_size=16"):
        network.check_side(8)
    network.check_side(16)
    assert network(torch.zeros(1, 1, 16, 16)).shape == (1, 2)
