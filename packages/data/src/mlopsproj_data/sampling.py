"""Which images a batch holds.

An order follows from seed and epoch alone, so that a run which goes on after an interruption sees
what it would have seen. Knows nothing of images.
"""

import math
from collections.abc import Iterator

import torch
from torch import Tensor
from torch.utils.data import Sampler

STRIDE = 1_000_003
"""Between the seeds of two runs, so that their epochs and steps share no draws."""


class EpochSampler(Sampler[Tensor]):
    """Indices of whole batches, in an order that follows from seed and epoch."""

    def __init__(
        self, count: int, batch_size: int, seed: int, *, balance: Tensor | None = None
    ) -> None:
        """Take what there is to sample.

        Args:
            count: of images.
            batch_size: an incomplete last batch is left out.
            seed: of the orders.
            balance: `(count,)` int64, the label of each image; every class is then drawn equally
                often. Without it, every image is drawn once.
        """
        self._count, self._batch_size, self._seed = count, batch_size, seed
        self._members = None
        if balance is not None:
            sizes = balance.bincount()
            self._members = torch.split(balance.argsort(stable=True), sizes[sizes > 0].tolist())
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Called by Lightning before each epoch."""
        self._epoch = epoch

    def __len__(self) -> int:
        return self._count // self._batch_size

    def __iter__(self) -> Iterator[Tensor]:
        # A generator, so that the order is drawn with the first batch: Lightning makes the first
        # iterator of a run that goes on before it says which epoch it is in.
        generator = torch.Generator().manual_seed(self._seed * STRIDE + self._epoch)
        order = torch.randperm(self._count, generator=generator)
        if self._members is not None:
            order = _balanced(self._members, self._count, generator)[order]
        yield from torch.split(order[: len(self) * self._batch_size], self._batch_size)


def _balanced(members: tuple[Tensor, ...], count: int, generator: torch.Generator) -> Tensor:
    """`(count,)` indices, of each class equally many, and of its images each equally often.

    What cannot be divided goes to classes, and to images within a class, that are drawn.
    """
    share, extra = divmod(count, len(members))
    favoured = set(torch.randperm(len(members), generator=generator)[:extra].tolist())
    parts = []
    for place, images in enumerate(members):
        times, rest = divmod(share + (place in favoured), len(images))
        drawn = torch.randperm(len(images), generator=generator)[:rest]
        parts += [images.repeat(times), images[drawn]]
    return torch.cat(parts)


class InOrder(Sampler[Tensor]):
    """Indices of batches in the order of the data set; the last one may be smaller."""

    def __init__(self, count: int, batch_size: int) -> None:
        self._count, self._batch_size = count, batch_size

    def __len__(self) -> int:
        return math.ceil(self._count / self._batch_size)

    def __iter__(self) -> Iterator[Tensor]:
        return iter(torch.split(torch.arange(self._count), self._batch_size))
