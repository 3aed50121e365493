"""A network that learns from another's answers beside the labels, as a Lightning module.

The teacher is any function from pixels to probabilities, such as a graph in onnxruntime, and sees
the same varied images as its student. Knows nothing of who the teacher is.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

import torch
from mlopsproj_core.errors import CompressionError, ConfigError
from mlopsproj_core.image import Pixels
from mlopsproj_core.outputs import Floats
from torch import Tensor
from torch.nn import functional

from mlopsproj_models.classifier import Batch, ImageClassifier
from mlopsproj_models.config import ModelConfig, OptimizerConfig
from mlopsproj_models.efficientnet_lite import scaled_width
from mlopsproj_models.networks import ImageNetwork

Teacher = Callable[[Pixels], Floats]
"""From `(N, H, W, C)` uint8 to probabilities `(N, K)` float32."""

TEMPERATURE: Final = 3.0
"""That the answers of both are softened by: Hinton et al. 2015 used 1 to 20."""

WEIGHT: Final = 0.7
"""Of the teacher's answers in the loss; the rest is the labels'."""

_SMALLEST = 1e-6


class DistilledClassifier(ImageClassifier):
    """Trains a student (Hinton et al. 2015, arXiv:1503.02531)."""

    def __init__(
        self,
        network: ImageNetwork,
        teacher: Teacher,
        *,
        model: ModelConfig,
        optimizer: OptimizerConfig,
        class_counts: Sequence[int] | None = None,
    ) -> None:
        """Take a network to train, and whom it learns from.

        Args:
            network: with its normalisation set.
            teacher: of the same classes.
            model: its loss, which must mix no images.
            optimizer: rate, decay and schedule.
            class_counts: training images of each of the K classes, for `class_weights`.

        Raises:
            ConfigError: if loss, fine-tuning or optimiser cannot work with these settings.
        """
        if model.loss.mixup_alpha > 0:
            raise ConfigError("A student mixes no images: give model.loss.mixup_alpha=0.")
        super().__init__(network, model=model, optimizer=optimizer, class_counts=class_counts)
        self._teacher = teacher

    def training_step(self, batch: Batch) -> Tensor:
        """Loss of one batch: how far the answers are from the teacher's, and from the labels."""
        images, labels = batch
        logits = self.network(self.network.normalise(images))
        probabilities = torch.from_numpy(self._teacher(images.cpu().numpy())).to(logits.device)
        loss = WEIGHT * distance(logits, probabilities) + (1 - WEIGHT) * self._loss(logits, labels)
        self._losses.append(loss.detach())
        return loss


def distance(logits: Tensor, probabilities: Tensor) -> Tensor:
    """Divergence of a student's softened answers from its teacher's, on the scale of the loss.

    Args:
        logits: `(N, K)` of the student.
        probabilities: `(N, K)` of the teacher.
    """
    soft = (probabilities.clamp_min(_SMALLEST).log() / TEMPERATURE).softmax(dim=1)
    own = functional.log_softmax(logits / TEMPERATURE, dim=1)
    return functional.kl_div(own, soft, reduction="batchmean") * TEMPERATURE**2


def student_of(config: ModelConfig, width: float) -> ModelConfig:
    """The settings of a network of the same kind with a share of the channels.

    Args:
        config: of the teacher.
        width: share of its channels, above 0 and below 1.

    Raises:
        ConfigError: if the share cannot be.
        CompressionError: if no narrower network of that kind is known.
    """
    if not 0 < width < 1:
        raise ConfigError(f"A student of width {width} cannot be: give above 0 and below 1.")
    loss = replace(config.loss, mixup_alpha=0.0)
    if config.architecture == "residual":
        network = replace(
            config.network,
            stem_width=scaled_width(config.network.stem_width, width),
            widths=tuple(scaled_width(channels, width) for channels in config.network.widths),
        )
        return replace(config, network=network, loss=loss)
    if config.architecture != "efficientnet_lite0":
        raise CompressionError(
            f"No narrower network of the kind of {config.architecture} is known: train a smaller"
            " one by model.architecture=…."
        )
    return replace(config, pretrained=False, width=config.width * width, loss=loss)
