"""A prepared data set as Lightning takes it: batches gathered at once, no worker processes.

The order of an epoch and the variation of its batches follow from seed, epoch and batch alone, so
that a run which goes on after an interruption sees what it would have seen. While a backbone is
frozen, batches of its embeddings may stand for those of images. Knows nothing of networks.
"""

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
import numpy.typing as npt
import pytorch_lightning as pl
import torch
from mlopsproj_core.errors import ConfigError
from mlopsproj_core.image import Pixels
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from mlopsproj_data.augment import augment, check_augment
from mlopsproj_data.config import AugmentConfig, resolved
from mlopsproj_data.features import Embedder, Features, cached_features
from mlopsproj_data.prepared import PreparedDataset
from mlopsproj_data.sampling import STRIDE, EpochSampler, InOrder

Batch = tuple[Tensor, Tensor]

_EVALUATION_BATCH = 512
_EVALUATION_PIXELS = 2**20
"""Of a batch, so that those of photos need no more memory than a training batch does."""

_EMBEDDING_AXES = 2


class DataModule(pl.LightningDataModule):
    """Batches of `(images uint8 (N, H, W, C), labels int64 (N,))`, training ones augmented.

    In epochs in which the backbone is frozen, `(embeddings float32 (N, D), labels)` if wished, of
    the images as they are, in the same order.
    """

    def __init__(
        self,
        dataset: PreparedDataset,
        *,
        batch_size: int,
        seed: int = 0,
        augment: AugmentConfig | None = None,
        balanced: bool = False,
        embedder: Embedder | None = None,
        frozen_epochs: int = 0,
    ) -> None:
        """Take a prepared data set.

        Args:
            dataset: that `prepare` gave.
            batch_size: of training; an incomplete last batch of an epoch is left out.
            seed: of order and variation.
            augment: how training images are varied; the defaults for what it leaves open.
            balanced: whether every class is trained on equally often.
            embedder: the network that is trained, for its embeddings in the frozen epochs; they
                give images too without it.
            frozen_epochs: first epochs of a run, in which its backbone is what it was.

        Raises:
            ConfigError: if an epoch has no whole batch, or the variation cannot be done.
        """
        super().__init__()
        self._augment = resolved(augment or AugmentConfig())
        check_augment(self._augment, min(dataset.spec.height, dataset.spec.width))
        if not 1 <= batch_size <= dataset.counts["train"]:
            raise ConfigError(
                f"trainer.batch_size={batch_size}: give 1 to {dataset.counts['train']:,}, the"
                " number of training images."
            )
        self._dataset, self._batch_size, self._seed = dataset, batch_size, seed
        self._balanced = balanced
        self._embedder, self._frozen_epochs = embedder, frozen_epochs
        self._features: Mapping[str, Features] | None = None

    def train_dataloader(self) -> DataLoader[Batch]:
        """Training batches, in another order at each epoch."""
        split = self._gathered("train")
        sampler = EpochSampler(
            len(split),
            self._batch_size,
            self._seed,
            balance=split.labels if self._balanced else None,
        )
        return DataLoader(split, batch_size=None, sampler=sampler)

    def val_dataloader(self) -> DataLoader[Batch]:
        """Validation batches, in the order of the data set."""
        split = self._gathered("validation")
        most = _EVALUATION_PIXELS // (self._dataset.spec.height * self._dataset.spec.width)
        sampler = InOrder(len(split), max(1, min(_EVALUATION_BATCH, most)))
        return DataLoader(split, batch_size=None, sampler=sampler)

    def transfer_batch_to_device(
        self, batch: Batch, device: torch.device, dataloader_idx: int
    ) -> Batch:
        """Move both tensors; Lightning's own way first looks for some in every kind of object."""
        del dataloader_idx
        images, labels = batch
        return images.to(device), labels.to(device)

    def on_after_batch_transfer(self, batch: Batch, dataloader_idx: int) -> Batch:
        """Vary a training batch, on the device."""
        del dataloader_idx
        trainer = self.trainer
        images, labels = batch
        if trainer is None or not trainer.training or images.ndim == _EMBEDDING_AXES:
            return batch
        return self.augmented(images, step=trainer.global_step), labels

    def augmented(self, images: Tensor, *, step: int) -> Tensor:
        """`(N, H, W, C)` uint8, varied as they are at the optimiser step `step`."""
        generator = torch.Generator().manual_seed(self._seed * STRIDE + step)
        return augment(images, self._augment, generator)

    def _gathered(self, name: str) -> "_Gathered":
        images = self._dataset.labelled(name)
        return _Gathered(partial(self._rows, name, images.images), images.labels)

    def _rows(self, name: str, pixels: Pixels) -> Pixels | Features:
        """What batches of this epoch are gathered from."""
        trainer = self.trainer
        frozen = trainer is not None and trainer.current_epoch < self._frozen_epochs
        if not frozen or self._embedder is None:
            return pixels
        if self._features is None:  # by now the network is on the device that it is trained on
            self._features = cached_features(self._dataset, self._embedder)
        return self._features[name]


class _Gathered(Dataset[Batch]):
    """Gives the whole batch for its indices, in one indexing of the memory map."""

    def __init__(
        self, rows: Callable[[], Pixels | Features], labels: npt.NDArray[np.int64]
    ) -> None:
        self._rows, self.labels = rows, torch.tensor(labels)

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, indices: Tensor) -> Batch:
        # Measured: on large images, take is the fastest of the ways to gather rows.
        rows = np.take(self._rows(), indices.numpy(), axis=0)
        return torch.from_numpy(rows), self.labels[indices]
