"""The real weights are loaded, and the same network of another author is the judge."""

import importlib.util

import pytest
import torch
from mlopsproj_core.errors import ConfigError
from mlopsproj_models import efficientnet_lite
from mlopsproj_models.efficientnet_lite import EfficientNetLite0


@pytest.fixture(scope="module")
def pretrained():
    return EfficientNetLite0(classes=3, pretrained=True).eval()


@pytest.fixture(scope="module")
def images():
    generator = torch.Generator().manual_seed(1)
    return torch.randint(0, 256, (2, 64, 64, 3), dtype=torch.uint8, generator=generator)


def test_is_the_network_that_timm_knows(pretrained, images):
    timm = pytest.importorskip("timm", reason="needs the extra timm")
    theirs = timm.create_model("tf_efficientnet_lite0", pretrained=False, num_classes=0).eval()
    ours = {
        name: values
        for name, values in pretrained.state_dict().items()
        if name not in {"mean", "std"} and not name.startswith("head.")
    }
    # Both list their layers from the input to the output.
    assert [v.shape for v in ours.values()] == [v.shape for v in theirs.state_dict().values()]
    theirs.load_state_dict(dict(zip(theirs.state_dict(), ours.values(), strict=True)))
    with torch.no_grad():
        inputs = pretrained.normalise(images)
        assert torch.allclose(pretrained.embed(inputs), theirs(inputs), atol=1e-4)


def test_the_weights_are_those_of_imagenet(pretrained):
    # What a trained network has, and a new one has not: statistics of what it was shown.
    new = EfficientNetLite0(classes=3, pretrained=False)
    assert torch.equal(new.stem[1].running_var, torch.ones(32))
    assert pretrained.stem[1].running_var.std() > 0.1
    assert torch.isfinite(pretrained.embed(torch.zeros(1, 3, 32, 32))).all()


@pytest.mark.parametrize("side", [32, 33, 47])
@pytest.mark.parametrize("channels", [1, 3])
def test_takes_grey_and_colour_of_any_side(pretrained, side, channels):
    images = torch.randint(0, 256, (2, side, side, channels), dtype=torch.uint8)
    with torch.no_grad():
        embedding = pretrained.embed(pretrained.normalise(images))
        assert embedding.shape == (2, pretrained.embedding_size) == (2, 1280)
        assert pretrained.head(embedding).shape == (2, 3)


def test_grey_is_colour_whose_channels_are_one(pretrained):
    grey = torch.randint(0, 256, (2, 32, 32, 1), dtype=torch.uint8)
    colour = grey.expand(-1, -1, -1, 3)
    assert torch.equal(pretrained.normalise(grey), pretrained.normalise(colour))


def test_keeps_the_normalisation_of_its_weights():
    pretrained = EfficientNetLite0(classes=2, pretrained=True)
    pretrained.set_normalisation(torch.tensor([1.0]), torch.tensor([2.0]))
    assert set(pretrained.mean.flatten().tolist()) == {127.0}
    new = EfficientNetLite0(classes=2, pretrained=False)
    new.set_normalisation(torch.tensor([1.0]), torch.tensor([2.0]))
    assert set(new.mean.flatten().tolist()) == {1.0}
    assert set(new.std.flatten().tolist()) == {2.0}


def test_its_stages_hold_every_parameter_once(pretrained):
    stages = pretrained.parameters_by_stage()
    found = [id(parameter) for stage in stages for parameter in stage]
    assert sorted(found) == sorted(id(parameter) for parameter in pretrained.parameters())
    assert len(stages) == 1 + 7 + 1 + 1
    assert stages[0][0] is pretrained.stem[0].weight
    assert stages[-1][0] is pretrained.head.weight


def test_refuses_images_that_are_halved_to_nothing(pretrained):
    with pytest.raises(ConfigError, match=r"28 pixels .*data\.image_size=32"):
        pretrained.check_side(28)
    pretrained.check_side(32)


def test_without_the_extra_its_name_is_told(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"extra `efficientnet`.*model\.pretrained=false"):
        EfficientNetLite0(classes=2, pretrained=True)
    EfficientNetLite0(classes=2, pretrained=False)


@pytest.mark.parametrize("content", [b"", b"no weights", None], ids=["empty", "text", "others"])
def test_damaged_weights_are_one_clear_error(monkeypatch, tmp_path, content):
    path = tmp_path / "weights.pth"
    if content is None:
        torch.save({"_conv_stem.weight": torch.zeros(3)}, path)
    else:
        path.write_bytes(content)
    monkeypatch.setattr(efficientnet_lite, "_weights_path", lambda: path)
    with pytest.raises(ConfigError, match=r"weights\.pth cannot be used .*install"):
        EfficientNetLite0(classes=2, pretrained=True)
