"""Networks for Fashion-MNIST, of all its classes or of those that are left, as `train` makes them.

Each is trained once and kept in a folder; the next run reads it, and calibrates it as is done then.
Knows nothing of what the score is compared with.
"""

import gzip
import logging
import struct
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from mlopsproj_core.image import Pixels
from mlopsproj_data import DataModule, PreparedDataset, prepare
from mlopsproj_data.config import DataConfig, Source
from mlopsproj_data.sources.recognition import open_source
from mlopsproj_models.graph import ServingGraph, calibrate
from mlopsproj_models.networks import ImageNetwork
from mlopsproj_train.checkpoints import load_checkpoint
from mlopsproj_train.config import LoggerConfig, TrainConfig, WandbMode
from mlopsproj_train.fitting import fit
from mlopsproj_train.planning import new_module, with_precision
from mlopsproj_train.recipes import chosen, complete
from mlopsproj_train.run_folder import new_run_folder

IDX_BYTES = 0x08


@dataclass(frozen=True)
class Training:
    """How the networks are trained.

    Attributes:
        images: of each network, at most; None for all that there are.
        epochs: over them.
    """

    images: int | None
    epochs: int


@dataclass(frozen=True)
class Trained:
    """A network that was calibrated.

    Attributes:
        graph: as it is served.
        kept: the classes that it knows, by their numbers in Fashion-MNIST.
    """

    graph: ServingGraph
    kept: tuple[int, ...]


def fashion(work: Path) -> PreparedDataset:
    """All 70,000 images, prepared once."""
    return prepare(DataConfig(source=Source.fashion_mnist, prepared_dir=str(work / "prepared")))


def trained(work: Path, held_out: tuple[int, ...], seed: int, training: Training) -> Trained:
    """Train a network without some classes, unless that is done.

    Args:
        work: where everything is kept.
        held_out: classes that it never sees.
        seed: of the run.
        training: how.
    """
    kept = tuple(label for label in range(10) if label not in held_out)
    without = "-".join(map(str, held_out)) or "none"
    name = f"without-{without}-{training.images or 'all'}x{training.epochs}"
    source = work / "sources" / f"without-{without}-{training.images or 'all'}"
    if not source.exists():
        _write_source(fashion(work), source, kept, training.images)
    config = TrainConfig(
        seed=seed,
        data=DataConfig(path=str(source), name=name, prepared_dir=str(work / "prepared")),
        logger=LoggerConfig(wandb=WandbMode.disabled),
    )
    config = replace(config, trainer=replace(config.trainer, max_epochs=training.epochs))
    config = complete(config, open_source(config.data))
    dataset = prepare(config.data)
    run = work / "runs" / f"{name}-seed{seed}"
    kept_network = run / "network.pt"
    train = dataset.labelled("train")
    if not kept_network.exists():
        print(f"training {run.name}, once", flush=True)
        torch.save(_fit(config, dataset, run), kept_network)
    network = torch.load(kept_network, weights_only=False)  # written by this script itself
    return Trained(calibrate(network, train, dataset.labelled("validation")), kept)


def _fit(config: TrainConfig, dataset: PreparedDataset, folder: Path) -> ImageNetwork:
    module = new_module(config, dataset)
    config = with_precision(config, module, dataset.labelled("train"))
    data = DataModule(
        dataset,
        batch_size=chosen(config.trainer.batch_size),
        seed=config.seed,
        augment=config.data.augment,
    )
    run = new_run_folder(replace(config, run_dir=str(folder)), datetime.now(UTC))
    logging.disable(logging.WARNING)
    fitted = fit(module, data, config, run, tracker=None)
    module.load_state_dict(load_checkpoint(fitted.best)["state_dict"])
    return module.network.float().cpu().eval()


def _write_source(
    dataset: PreparedDataset, folder: Path, kept: tuple[int, ...], most: int | None
) -> None:
    """IDX files of the classes that are kept, numbered anew."""
    unfinished = folder.with_name(f"{folder.name}-unfinished")
    unfinished.mkdir(parents=True, exist_ok=True)
    for file, splits in {"train": ("train", "validation"), "t10k": ("test",)}.items():
        parts = [dataset.labelled(split) for split in splits]
        labels = np.concatenate([part.labels for part in parts])
        images = np.concatenate([part.images for part in parts])[..., 0]
        rows = np.flatnonzero(np.isin(labels, kept))
        if file == "train":
            rows = np.random.default_rng(0).permutation(rows)[:most]
        _write_idx(unfinished / f"{file}-images-idx3-ubyte.gz", images[rows])
        numbered = np.searchsorted(kept, labels[rows]).astype(np.uint8)
        _write_idx(unfinished / f"{file}-labels-idx1-ubyte.gz", numbered)
    unfinished.rename(folder)


def _write_idx(path: Path, values: Pixels | npt.NDArray[np.uint8]) -> None:
    header = struct.pack(f">4B{values.ndim}I", 0, 0, IDX_BYTES, values.ndim, *values.shape)
    path.write_bytes(gzip.compress(header + values.tobytes(), compresslevel=1))
