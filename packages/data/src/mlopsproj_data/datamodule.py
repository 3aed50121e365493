"""A prepared data set as Lightning takes it: batches gathered at once, no worker processes.

The order of an epoch and the variation of its batches follow from seed, epoch and batch alone, so
that a run which goes on after an interruption sees what it would have seen. Knows nothing of
networks.
"""

import math
from collections.abc import Iterator

import pytorch_lightning as pl
import torch
from mlopsproj_core.errors import ConfigError
from mlopsproj_core.labelled import LabelledImages
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from mlopsproj_data.augment import augment, check_augment
from mlopsproj_data.config import AugmentConfig
from mlopsproj_data.prepared import PreparedDataset

Batch = tuple[Tensor, Tensor]

_EVALUATION_BATCH = 512
_STRIDE = 1_000_003


class DataModule(pl.LightningDataModule):
    """Batches of `(images uint8 (N, H, W, C), labels int64 (N,))`, training ones augmented."""

    def __init__(
        self,
        dataset: PreparedDataset,
        *,
        batch_size: int,
        seed: int = 0,
        augment: AugmentConfig | None = None,
    ) -> None:
        """Take a prepared data set.

        Args:
            dataset: that `prepare` gave.
            batch_size: of training; an incomplete last batch of an epoch is left out.
            seed: of order and variation.
            augment: how training images are varied; the defaults unless given.

        Raises:
            ConfigError: if an epoch has no whole batch, or the variation cannot be done.
        """
        super().__init__()
        self._augment = augment or AugmentConfig()
        check_augment(self._augment, min(dataset.spec.height, dataset.spec.width))
        if not 1 <= batch_size <= dataset.counts["train"]:
            raise ConfigError(
                f"trainer.batch_size={batch_size}: give 1 to {dataset.counts['train']:,}, the"
                " number of training images."
            )
        self._dataset, self._batch_size, self._seed = dataset, batch_size, seed

    def train_dataloader(self) -> DataLoader[Batch]:
        """Training batches, in another order at each epoch."""
        split = _Gathered(self._dataset.labelled("train"))
        sampler = EpochSampler(len(split), self._batch_size, self._seed)
        return DataLoader(split, batch_size=None, sampler=sampler)

    def val_dataloader(self) -> DataLoader[Batch]:
        """Validation batches, in the order of the data set."""
        split = _Gathered(self._dataset.labelled("validation"))
        return DataLoader(split, batch_size=None, sampler=_InOrder(len(split)))

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
        if trainer is None or not trainer.training:
            return batch
        images, labels = batch
        return self.augmented(images, step=trainer.global_step), labels

    def augmented(self, images: Tensor, *, step: int) -> Tensor:
        """`(N, H, W, C)` uint8, varied as they are at the optimiser step `step`."""
        generator = torch.Generator().manual_seed(self._seed * _STRIDE + step)
        return augment(images, self._augment, generator)


class EpochSampler(Sampler[Tensor]):
    """Indices of whole batches, in an order that follows from seed and epoch."""

    def __init__(self, count: int, batch_size: int, seed: int) -> None:
        self._count, self._batch_size, self._seed = count, batch_size, seed
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Called by Lightning before each epoch."""
        self._epoch = epoch

    def __len__(self) -> int:
        return self._count // self._batch_size

    def __iter__(self) -> Iterator[Tensor]:
        # A generator, so that the order is drawn with the first batch: Lightning makes the first
        # iterator of a run that goes on before it says which epoch it is in.
        generator = torch.Generator().manual_seed(self._seed * _STRIDE + self._epoch)
        order = torch.randperm(self._count, generator=generator)
        yield from torch.split(order[: len(self) * self._batch_size], self._batch_size)


class _InOrder(Sampler[Tensor]):
    def __init__(self, count: int) -> None:
        self._count = count

    def __len__(self) -> int:
        return math.ceil(self._count / _EVALUATION_BATCH)

    def __iter__(self) -> Iterator[Tensor]:
        return iter(torch.split(torch.arange(self._count), _EVALUATION_BATCH))


class _Gathered(Dataset[Batch]):
    """Gives the whole batch for its indices, in one indexing of the memory map."""

    def __init__(self, images: LabelledImages) -> None:
        self._images, self._labels = images.images, torch.tensor(images.labels)

    def __len__(self) -> int:
        return len(self._labels)

    def __getitem__(self, indices: Tensor) -> Batch:
        return torch.from_numpy(self._images[indices.numpy()]), self._labels[indices]
