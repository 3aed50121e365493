import numpy as np
import pytest
import torch
from mlopsproj_core.errors import CompressionError, ConfigError
from mlopsproj_models.compression.distillation import (
    DistilledClassifier,
    distance,
    student_of,
)
from mlopsproj_models.config import LossConfig, ModelConfig, NetworkConfig, OptimizerConfig
from mlopsproj_models.factory import build_network

MODEL = ModelConfig(
    architecture="residual",
    network=NetworkConfig(stem_width=8, widths=(8,), blocks=(0,)),
    loss=LossConfig(label_smoothing=0.0),
)


@pytest.fixture
def student(train, channels):
    torch.manual_seed(0)
    network = build_network(MODEL, channels=channels, classes=3)
    pixels = torch.tensor(train.images).float()
    network.set_normalisation(pixels.mean(dim=(0, 1, 2)), pixels.std(dim=(0, 1, 2)))
    return network


def test_a_student_learns_what_its_teacher_says(student, train):
    """The teacher turns the classes round, and the labels say nothing."""
    wrong = np.eye(3, dtype=np.float32)[(train.labels + 1) % 3] * 0.96 + 0.04 / 3
    answers = {image.tobytes(): row for image, row in zip(train.images, wrong, strict=True)}

    def teacher(pixels):
        return np.stack([answers[image.tobytes()] for image in pixels])

    module = DistilledClassifier(student, teacher, model=MODEL, optimizer=OptimizerConfig())
    optimizer = torch.optim.AdamW(student.parameters(), lr=1e-2)
    labels = torch.randint(0, 3, (len(train),), generator=torch.Generator().manual_seed(0))
    for _ in range(20):
        for part in torch.randperm(len(train)).split(48):
            loss = module.training_step((torch.tensor(train.images[part.numpy()]), labels[part]))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    student.eval()
    with torch.no_grad():
        found = student(student.normalise(torch.tensor(train.images))).argmax(dim=1).numpy()
    assert (found == (train.labels + 1) % 3).mean() > 0.8


def test_the_distance_is_least_where_both_say_the_same():
    logits = torch.tensor([[2.0, -1.0, 0.5], [0.0, 1.0, -2.0]])
    same = distance(logits, logits.softmax(dim=1))
    assert same == pytest.approx(0, abs=1e-5)
    assert distance(logits, logits.flip(1).softmax(dim=1)) > 0.1
    assert torch.isfinite(distance(logits, torch.eye(3)[:2]))


def test_images_that_are_mixed_have_no_teacher(student):
    model = ModelConfig(architecture="residual", loss=LossConfig(mixup_alpha=0.2))
    with pytest.raises(ConfigError, match="mixup_alpha=0"):
        DistilledClassifier(
            student, lambda pixels: pixels, model=model, optimizer=OptimizerConfig()
        )


def test_a_student_is_of_the_same_kind_and_narrower():
    teacher = ModelConfig(architecture="residual", loss=LossConfig(mixup_alpha=0.2))
    found = student_of(teacher, 0.5)
    assert (found.network.stem_width, found.network.widths) == (8, (16, 32, 64))
    assert found.network.blocks == teacher.network.blocks
    assert found.loss.mixup_alpha == 0
    photo = student_of(ModelConfig(architecture="efficientnet_lite0"), 0.25)
    assert (photo.architecture, photo.width, photo.pretrained) == (
        "efficientnet_lite0",
        0.25,
        False,
    )
    whole = build_network(
        ModelConfig(architecture="efficientnet_lite0", pretrained=False), channels=3, classes=3
    )
    quarter = build_network(photo, channels=3, classes=3)
    sizes = [sum(p.numel() for p in network.parameters()) for network in (quarter, whole)]
    assert sizes[0] < sizes[1] / 8


@pytest.mark.parametrize("width", [0, 1, 1.5, -0.5])
def test_a_width_that_cannot_be_is_told(width):
    with pytest.raises(ConfigError, match="width"):
        student_of(ModelConfig(architecture="residual"), width)


def test_a_student_of_a_student_is_narrower_still():
    half = student_of(ModelConfig(architecture="efficientnet_lite0"), 0.5)
    assert student_of(half, 0.5).width == 0.25


def test_a_kind_without_a_narrower_one_is_told():
    with pytest.raises(CompressionError, match=r"timm/resnet18 is known"):
        student_of(ModelConfig(architecture="timm/resnet18"), 0.5)
