"""How a network learns, as a Lightning module: one loss, one optimiser, a few figures.

Batches are `(images uint8 (N, H, W, C), labels int64 (N,))`, augmented before they come here; while
the backbone is frozen, the first may be its embeddings, float32 `(N, D)`. Knows nothing of where
they come from, nor of callbacks, loggers and files.
"""

import math
from collections.abc import Sequence

import pytorch_lightning as pl
import torch
from mlopsproj_core.errors import ConfigError
from pytorch_lightning.utilities.types import OptimizerLRScheduler
from torch import Tensor, nn
from torch.nn import functional

from mlopsproj_models.config import LossConfig, ModelConfig, OptimizerConfig
from mlopsproj_models.networks import ImageNetwork
from mlopsproj_models.schedule import (
    check_finetune,
    check_optimizer,
    given,
    make_optimizer,
    make_schedule,
)

Batch = tuple[Tensor, Tensor]

_EMBEDDING_AXES = 2


class ImageClassifier(pl.LightningModule):
    """Trains a network to classify images.

    In the first `model.finetune.frozen_epochs` the backbone is what it was, its normalisation of
    batches included, and the head alone learns; after them everything does, each stage at its
    rate. Logs `train/loss`, `val/loss` and `val/accuracy` (0 to 1), each once an epoch.
    """

    class_weights: Tensor | None

    def __init__(
        self,
        network: ImageNetwork,
        *,
        model: ModelConfig,
        optimizer: OptimizerConfig,
        class_counts: Sequence[int] | None = None,
    ) -> None:
        """Take a network to train.

        Args:
            network: with its normalisation set.
            model: its loss, how it is fine-tuned, and whether it is compiled.
            optimizer: rate, decay and schedule.
            class_counts: training images of each of the K classes, for `class_weights`.

        Raises:
            ConfigError: if loss, fine-tuning or optimiser cannot work with these settings.
        """
        super().__init__()
        _check(model.loss)
        check_finetune(model.finetune)
        check_optimizer(optimizer)
        weights = None
        if model.loss.class_weights:
            if class_counts is None:
                raise ConfigError("model.loss.class_weights=true: give the counts of the classes.")
            weights = inverse_frequencies(class_counts)
        self.register_buffer("class_weights", weights, persistent=False)
        self._frozen_epochs = int(given("frozen_epochs", model.finetune.frozen_epochs))
        self.network = network
        self._model_config = model
        self._optimizer_config = optimizer
        self._losses: list[Tensor] = []

    def on_fit_start(self) -> None:
        """Compile in place, so that the names of the weights in a checkpoint stay."""
        if self._model_config.compile:
            self.network.compile()

    def on_train_epoch_start(self) -> None:
        """Forget the losses of the epoch before; freeze what shall not learn in this one."""
        self._losses.clear()
        for layer in self.network.children():
            layer.train(layer is self.network.head or not self._frozen)

    def training_step(self, batch: Batch) -> Tensor:
        """Loss of one batch, mixed where the configuration says so."""
        images, labels = batch
        inputs, learner = self._learner(images)
        alpha = self._model_config.loss.mixup_alpha
        if alpha > 0:
            inputs, partners, share = mixup(inputs, alpha)
            logits = learner(inputs)
            loss = share * self._loss(logits, labels) + (1 - share) * self._loss(
                logits, labels[partners]
            )
        else:
            loss = self._loss(learner(inputs), labels)
        # Lightning's own mean over an epoch takes longer at each step than a small layer.
        self._losses.append(loss.detach())
        return loss

    def on_validation_epoch_start(self) -> None:
        """Log the mean loss of the epoch's training batches, which are of one size."""
        if self._losses:
            self.log("train/loss", torch.stack(self._losses).mean(), on_epoch=True)

    def validation_step(self, batch: Batch) -> None:
        """Add a batch to the epoch's loss and accuracy, without smoothing or mixing."""
        images, labels = batch
        inputs, learner = self._learner(images)
        logits = learner(inputs).float()
        figures = {
            "val/loss": functional.cross_entropy(logits, labels),
            "val/accuracy": (logits.argmax(dim=1) == labels).float().mean(),
        }
        self.log_dict(figures, on_epoch=True, prog_bar=True, batch_size=len(labels), sync_dist=True)

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """AdamW, its rates set at each step.

        Raises:
            ConfigError: if more epochs shall be frozen than there are.
        """
        finetune, epochs = self._model_config.finetune, self.trainer.max_epochs or 0
        if self._frozen_epochs > epochs:
            raise ConfigError(
                f"model.finetune.frozen_epochs={self._frozen_epochs}: give at most"
                f" trainer.max_epochs={epochs}."
            )
        steps = int(self.trainer.estimated_stepping_batches)
        optimizer = make_optimizer(
            self.network,
            self._optimizer_config,
            layer_decay=given("layer_decay", finetune.layer_decay),
        )
        schedule = make_schedule(
            optimizer,
            self._optimizer_config,
            steps=steps,
            frozen_steps=steps // epochs * self._frozen_epochs,
            frozen_lr=finetune.frozen_lr,
        )
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }

    @property
    def _frozen(self) -> bool:
        return self.current_epoch < self._frozen_epochs

    def _learner(self, images: Tensor) -> tuple[Tensor, nn.Module]:
        """What learns in this epoch, and its input: the head or the whole network."""
        if not self._frozen:
            return self.network.normalise(images), self.network
        if images.ndim == _EMBEDDING_AXES:
            return images, self.network.head
        with torch.no_grad():
            return self.network.embed(self.network.normalise(images)), self.network.head

    def _loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        return functional.cross_entropy(
            logits,
            labels,
            weight=self.class_weights,
            label_smoothing=self._model_config.loss.label_smoothing,
        )


def inverse_frequencies(counts: Sequence[int]) -> Tensor:
    """Weight of each class, `(K,)` float32, whose mean over the training images is 1.

    Args:
        counts: training images of each class; one that has none gets no weight.
    """
    images = torch.tensor(counts, dtype=torch.float32)
    present = images > 0
    return torch.where(present, images.sum() / (present.sum() * images.clamp_min(1)), 0.0)


def mixup(inputs: Tensor, alpha: float) -> tuple[Tensor, Tensor, Tensor]:
    """Mix each image with another of its batch (Zhang et al. 2018, arXiv:1710.09412).

    Embeddings are mixed alike (Verma et al. 2019, arXiv:1806.05236).

    Args:
        inputs: `(N, ...)` float.
        alpha: of the Beta distribution; 1 is uniform.

    Returns:
        The mixed inputs, the partners' indices `(N,)`, and the share, 0 to 1, that is left of
        each image itself.
    """
    # Drawn on the CPU from torch's own generator: the same draws whatever the device.
    share = torch.distributions.Beta(alpha, alpha).sample().to(inputs.device)
    partners = torch.randperm(len(inputs)).to(inputs.device)
    return inputs.lerp(inputs[partners], 1 - share), partners, share


def _check(loss: LossConfig) -> None:
    if not 0 <= loss.label_smoothing < 1:
        raise ConfigError(
            f"model.loss.label_smoothing={loss.label_smoothing}: give 0 or more and less than 1."
        )
    if not 0 <= loss.mixup_alpha < math.inf:
        raise ConfigError(f"model.loss.mixup_alpha={loss.mixup_alpha}: give 0 or more.")
