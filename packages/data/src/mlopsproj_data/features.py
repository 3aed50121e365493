"""Embeddings of a prepared data set, computed once for as long as a network's backbone is frozen.

They stand beside the pixels as `features-<key>.f32`, raw float32 `(train + validation, D)` that is
mapped into memory; the key is a hash of the backbone and of the data set, so that other runs find
them too. Knows nothing of what a network is, beyond that it makes embeddings.
"""

import hashlib
import logging
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt
import torch
from mlopsproj_core.local_files import put_in_place
from torch import Tensor

from mlopsproj_data.drafts import draft_of
from mlopsproj_data.prepared import PreparedDataset

logger = logging.getLogger(__name__)

Features = npt.NDArray[np.float32]

EMBEDDED_SPLITS: Final = ("train", "validation")

_PIECE_PIXELS = 2**20
_TELL_EVERY_SECONDS = 10.0
_ELSEWHERE = (
    "another folder by data.prepared_dir=FOLDER, or compute them anew in each epoch by"
    " model.finetune.cache_features=false"
)


class Embedder(Protocol):
    """What makes embeddings, such as a network of `mlopsproj-models`."""

    @property
    def embedding_size(self) -> int:
        """D."""

    def embed_images(self, images: Tensor) -> Tensor:
        """`(N, H, W, C)` uint8 to `(N, D)` float32 on the CPU, each image by itself."""

    def backbone_fingerprint(self) -> str:
        """Equal where the embeddings are."""


def cached_features(dataset: PreparedDataset, embedder: Embedder) -> Mapping[str, Features]:
    """Embeddings of training and validation images, from the file or into it.

    Args:
        dataset: whose images are embedded, as they are.
        embedder: a network whose backbone does not change.

    Returns:
        For each split, `(count, D)` float32, a read-only memory map.

    Raises:
        DataError: if the prepared folder has no room, or cannot be written.
    """
    counts = [dataset.counts[split] for split in EMBEDDED_SPLITS]
    shape = (sum(counts), embedder.embedding_size)
    key = hashlib.sha256(f"{embedder.backbone_fingerprint()} {dataset.fingerprint}".encode())
    path = dataset.folder / f"features-{key.hexdigest()[:16]}.f32"
    if not _is_whole(path, shape):
        with draft_of(path, _ELSEWHERE) as draft:
            with draft.open("wb") as file:
                for embeddings in _embeddings(dataset, embedder, shape[0]):
                    file.write(embeddings.numpy().tobytes())
                file.flush()
                os.fsync(file.fileno())
            try:
                put_in_place(draft, path)
            except PermissionError:  # Windows replaces nothing that another run has mapped
                if not _is_whole(path, shape):
                    raise
    features = np.memmap(path, np.float32, "r", shape=shape)
    return dict(zip(EMBEDDED_SPLITS, np.split(features, counts[:1]), strict=True))


def _is_whole(path: Path, shape: tuple[int, int]) -> bool:
    return path.exists() and path.stat().st_size == 4 * shape[0] * shape[1]


def _embeddings(dataset: PreparedDataset, embedder: Embedder, total: int) -> Iterator[Tensor]:
    """A piece at a time, small enough for the memory of a network of photos."""
    logger.info("embedding %s images, once for all epochs with a frozen backbone", f"{total:,}")
    size = max(1, _PIECE_PIXELS // (dataset.spec.height * dataset.spec.width))
    done, told = 0, time.monotonic()
    for split in EMBEDDED_SPLITS:
        images = dataset.labelled(split).images
        for start in range(0, len(images), size):
            piece = torch.tensor(images[start : start + size])
            yield embedder.embed_images(piece)
            done += len(piece)
            if time.monotonic() - told > _TELL_EVERY_SECONDS:
                logger.info("embedded %s of %s images", f"{done:,}", f"{total:,}")
                told = time.monotonic()
