import importlib.util

import pytest
import torch
from mlopsproj_core.errors import ConfigError
from mlopsproj_models.timm_network import TimmNetwork

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("timm") is None, reason="needs the extra timm"
)

NAMES = ["test_resnet", "test_efficientnet", "test_vit", "mobilenetv3_small_050"]


@pytest.fixture(scope="module", params=NAMES)
def network(request):
    torch.manual_seed(0)
    return TimmNetwork(request.param, classes=3, pretrained=False).eval()


@pytest.mark.parametrize("channels", [1, 3])
def test_gives_an_embedding_and_a_logit_for_each_class(network, channels):
    images = torch.randint(0, 256, (2, 160, 160, channels), dtype=torch.uint8)
    with torch.no_grad():
        embedding = network.embed(network.normalise(images))
        assert embedding.shape == (2, network.embedding_size)
        assert network(network.normalise(images)).shape == (2, 3)


def test_its_stages_hold_every_parameter_once_from_the_input_on(network):
    stages = network.parameters_by_stage()
    found = [id(parameter) for stage in stages for parameter in stage]
    assert sorted(found) == sorted(id(parameter) for parameter in network.parameters())
    assert len(stages) >= 4
    assert next(network.backbone.parameters()) is stages[0][0]
    assert stages[-1][0] is network.head.weight


def test_takes_the_normalisation_that_timm_tells():
    network = TimmNetwork("test_resnet", classes=2, pretrained=False)
    assert network.mean.flatten().tolist() == pytest.approx([127.5] * 3)
    network.set_normalisation(torch.tensor([3.0]), torch.tensor([2.0]))
    assert network.mean.flatten().tolist() == [3.0] * 3


def test_an_unknown_name_is_told_with_close_ones():
    with pytest.raises(ConfigError, match=r"timm/resnet10x: .*perhaps resnet10t"):
        TimmNetwork("resnet10x", classes=2, pretrained=False)
    with pytest.raises(ConfigError, match=r"timm\.list_models"):
        TimmNetwork("zzzzqqqq", classes=2, pretrained=False)


def test_weights_that_cannot_be_had_are_one_clear_error(monkeypatch, tmp_path):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(ConfigError, match=r"timm/test_resnet .*model\.pretrained=false"):
        TimmNetwork("test_resnet", classes=2, pretrained=True)


def test_images_that_do_not_suit_it_are_refused_with_the_size_that_does():
    network = TimmNetwork("test_vit", classes=2, pretrained=False)
    with pytest.raises(ConfigError, match=r"28 pixels .*data\.image_size=160"):
        network.check_side(28)
    network.check_side(160)
    assert network.backbone.training


def test_without_the_extra_its_name_is_told(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="extra `timm`"):
        TimmNetwork("resnet10t", classes=2, pretrained=False)
