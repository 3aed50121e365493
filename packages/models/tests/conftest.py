"""Small images whose classes can be told apart, and a network small enough to train at once."""

import numpy as np
import pytest
import torch
from mlopsproj_core.labelled import LabelledImages
from mlopsproj_models.config import NetworkConfig
from mlopsproj_models.residual_network import ResidualNetwork

CLASSES = ("left", "right", "top")
SIDE = 16


def make_images(count: int, channels: int, seed: int) -> LabelledImages:
    """Noise with one bright side, which the label names."""
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 90, (count, SIDE, SIDE, channels), dtype=np.uint8)
    labels = np.arange(count, dtype=np.int64) % len(CLASSES)
    half = SIDE // 2
    images[labels == 0, :, :half] += 120
    images[labels == 1, :, half:] += 120
    images[labels == 2, :half, :] += 120
    ids = tuple(f"{seed:02d}{index:062d}" for index in range(count))
    return LabelledImages(ids, images, labels, CLASSES)


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    """Networks this small gain nothing from a second thread, and wait for it on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session", params=[1, 3], ids=["grey", "colour"])
def channels(request):
    return request.param


@pytest.fixture(scope="session")
def train(channels):
    return make_images(240, channels, seed=1)


@pytest.fixture(scope="session")
def held_out(channels):
    return make_images(90, channels, seed=2)


@pytest.fixture(scope="session")
def network(train, channels):
    """A trained network."""
    torch.manual_seed(0)
    network = ResidualNetwork(
        NetworkConfig(stem_width=4, widths=(8, 8), blocks=(1, 0)),
        channels=channels,
        classes=len(CLASSES),
    )
    pixels = torch.tensor(train.images).float()
    network.set_normalisation(pixels.mean(dim=(0, 1, 2)), pixels.std(dim=(0, 1, 2)))
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-2)
    images, labels = torch.tensor(train.images), torch.tensor(train.labels)
    for _ in range(12):
        for part in torch.randperm(len(images)).split(48):
            logits = network(network.normalise(images[part]))
            loss = torch.nn.functional.cross_entropy(logits, labels[part])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return network.eval()
