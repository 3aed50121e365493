import pytest
import torch
from mlopsproj_models.config import NetworkConfig
from mlopsproj_models.residual_network import ResidualNetwork


def test_normalises_each_channel_of_the_training_data():
    network = ResidualNetwork(NetworkConfig(), channels=3, classes=2)
    images = torch.randint(0, 256, (50, 8, 8, 3), dtype=torch.uint8)
    pixels = images.float()
    network.set_normalisation(pixels.mean(dim=(0, 1, 2)), pixels.std(dim=(0, 1, 2)))
    inputs = network.normalise(images)
    assert inputs.mean(dim=(0, 2, 3)) == pytest.approx(torch.zeros(3), abs=1e-4)
    assert inputs.std(dim=(0, 2, 3)) == pytest.approx(torch.ones(3), abs=1e-3)


def test_a_constant_channel_is_not_divided_by_zero():
    network = ResidualNetwork(NetworkConfig(), channels=1, classes=2)
    network.set_normalisation(torch.tensor([7.0]), torch.tensor([0.0]))
    images = torch.full((1, 8, 8, 1), 7, dtype=torch.uint8)
    assert torch.equal(network.normalise(images), torch.zeros(1, 1, 8, 8))


def test_embeds_images_as_they_are_served_and_stays_as_it_was():
    network = ResidualNetwork(NetworkConfig(), channels=1, classes=2)
    network.stages.eval()
    modes = [layer.training for layer in network.modules()]
    statistics = network.stem[1].running_mean.clone()
    images = torch.randint(0, 256, (4, 28, 28, 1), dtype=torch.uint8)
    together = network.embed_images(images)
    assert not together.requires_grad
    alone = torch.cat([network.embed_images(image[None]) for image in images])
    assert torch.allclose(together, alone, atol=1e-5)
    assert [layer.training for layer in network.modules()] == modes
    assert torch.equal(network.stem[1].running_mean, statistics)


def test_the_fingerprint_is_that_of_the_backbone_alone():
    def made(seed, **config):
        torch.manual_seed(seed)
        return ResidualNetwork(NetworkConfig(**config), channels=1, classes=2)

    fingerprint = made(0).backbone_fingerprint()
    assert made(0).backbone_fingerprint() == fingerprint
    assert made(1).backbone_fingerprint() != fingerprint
    other_head = made(0)
    other_head.head.reset_parameters()
    assert other_head.backbone_fingerprint() == fingerprint
    other_statistics = made(0)
    other_statistics.stem[1].running_var[0] = 2
    assert other_statistics.backbone_fingerprint() != fingerprint
    other_pixels = made(0)
    other_pixels.set_normalisation(torch.tensor([3.0]), torch.tensor([2.0]))
    assert other_pixels.backbone_fingerprint() != fingerprint
    other_layer = made(0)
    other_layer.stem[1].eps = 1e-2
    assert other_layer.backbone_fingerprint() != fingerprint
