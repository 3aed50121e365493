import pytest
import torch
from mlopsproj_core.errors import CompressionError
from mlopsproj_models.compression.pruning import prune
from mlopsproj_models.config import NetworkConfig
from mlopsproj_models.efficientnet_lite import EfficientNetLite0
from mlopsproj_models.residual_network import ResidualNetwork


@pytest.fixture(scope="module")
def wide():
    """A network with channels to spare, whose last normalisations are not zero."""
    torch.manual_seed(0)
    network = ResidualNetwork(
        NetworkConfig(stem_width=16, widths=(32, 32), blocks=(1, 1)), channels=1, classes=3
    )
    for layer in network.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(layer.weight, 0.5, 1.5)
    return network.eval()


@pytest.fixture(scope="module")
def batches():
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 255, (32, 16, 16, 1), dtype=torch.uint8, generator=generator)
    return [(images, torch.randint(0, 3, (32,), generator=generator))]


def parameters(network):
    return sum(parameter.numel() for parameter in network.parameters())


@pytest.mark.parametrize("ratio", [0.25, 0.5])
def test_what_is_left_is_a_smaller_network_that_can_learn(wide, batches, ratio):
    before = {name: values.clone() for name, values in wide.state_dict().items()}
    pruned = prune(wide, ratio, batches)
    assert parameters(pruned) < (1 - ratio / 2) * parameters(wide)
    images, labels = batches[0]
    logits = pruned(pruned.normalise(images))
    assert logits.shape == (32, 3)
    torch.nn.functional.cross_entropy(logits, labels).backward()
    assert all(parameter.grad is not None for parameter in pruned.parameters())
    assert pruned.embedding_size == pruned.embed(pruned.normalise(images)).shape[1]
    assert sum(map(len, pruned.parameters_by_stage())) == len(list(pruned.parameters()))
    # The network that was given is as it was.
    assert all(torch.equal(values, before[name]) for name, values in wide.state_dict().items())
    assert all(parameter.grad is None for parameter in wide.parameters())


def test_more_is_cut_at_a_larger_ratio(wide, batches):
    sizes = [parameters(prune(wide, ratio, batches)) for ratio in (0.25, 0.5, 0.75)]
    assert sizes[0] > sizes[1] > sizes[2]


def test_the_same_is_cut_each_time(wide, batches):
    first, second = prune(wide, 0.5, batches), prune(wide, 0.5, batches)
    for name, values in first.state_dict().items():
        assert torch.equal(values, second.state_dict()[name])


def test_efficientnet_can_be_cut():
    torch.manual_seed(0)
    network = EfficientNetLite0(classes=3, pretrained=False, width=0.25)
    images = torch.randint(0, 255, (4, 32, 32, 3), dtype=torch.uint8)
    pruned = prune(network, 0.5, [(images, torch.tensor([0, 1, 2, 0]))])
    assert parameters(pruned) < parameters(network)
    assert pruned.eval()(pruned.normalise(images)).shape == (4, 3)


@pytest.mark.parametrize("ratio", [0, 1, -0.5, float("nan")])
def test_a_ratio_that_cannot_be_is_told(wide, batches, ratio):
    with pytest.raises(CompressionError, match="pruning ratio"):
        prune(wide, ratio, batches)


def test_layers_too_narrow_to_be_cut_are_told(batches):
    narrow = ResidualNetwork(
        NetworkConfig(stem_width=8, widths=(8, 8), blocks=(0, 0)), channels=1, classes=3
    ).eval()
    with pytest.raises(CompressionError, match="no channel can go"):
        prune(narrow, 0.5, batches)
