"""Images per second of training batches, beside torchvision's ImageFolder and beside litdata.

Every loader ends an epoch's every batch at the same thing: what a network takes, float32
`(N, 3, H, W)`, shuffled, augmented and normalised, in the training process. All read the same
generated JPEG files of photograph-like content, and keep what they keep in the page cache:

- ours: `prepare` once, which stores uint8 pixels; then the DataModule, without worker processes.
- torchvision: ImageFolder and DataLoader, which decode and resize each file in each epoch.
- litdata: `optimize` once, which stores uint8 pixels of the same size in its chunks (decoding JPEG
  files in each epoch, as it may, would be slower); then StreamingDataset and StreamingDataLoader.

The others take the number of worker processes that was the fastest in a trial before. The
augmentation is the same for all: a random mirroring, and either a random shift with the border
repeated, or a random resized crop of half to all of the area (which torchvision cuts out of the
original, the others out of the stored pixels). Workers are started, and every file was read once,
before the time is taken. Goals: at least 5 over torchvision, at least 1 over litdata.
Run: uv run --group bench python benchmarks/loading.py
"""

import argparse
import gc
import multiprocessing
import os
import shutil
import tempfile
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import litdata
import numpy as np
import torch
from measurement import ratios, show, store
from mlopsproj_data import AugmentConfig, DataConfig, DataModule, PreparedDataset, prepare
from mlopsproj_data.config import Source
from photographs import photograph
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader
from torchvision.datasets import ImageFolder
from torchvision.transforms import v2

CLASSES = 10
CROP = 0.5
MEAN = torch.tensor([0.485, 0.456, 0.406]) * 255
STD = torch.tensor([0.229, 0.224, 0.225]) * 255
LOADERS = ("ours", "torchvision", "litdata")


@dataclass(frozen=True)
class Files:
    """Generated files and what they are prepared to.

    Attributes:
        width: of each file, in pixels.
        height: of each file, in pixels.
        side: of the square that a network takes, in pixels.
        count: of the training files.
    """

    width: int
    height: int
    side: int
    count: int

    @property
    def name(self) -> str:
        """As the results are called."""
        return f"{self.width}x{self.height} to {self.side}x{self.side}"


def write_photographs(files: Files, root: Path) -> None:
    """Class folders below train, validation and test."""
    generator = np.random.default_rng(0)
    for split, count in (("train", files.count), ("validation", CLASSES), ("test", CLASSES)):
        for number in range(count):
            folder = root / split / f"class_{number % CLASSES}"
            folder.mkdir(parents=True, exist_ok=True)
            image = photograph(generator, files.width, files.height)
            image.save(folder / f"{number:05}.jpg", quality=90)


def network_input(images: Tensor) -> Tensor:
    """`(N, 3, H, W)` uint8 to float32 of mean 0 and deviation 1, in the layout that it has."""
    return images.float().sub_(MEAN.view(3, 1, 1)).div_(STD.view(3, 1, 1))


def network_input_of_rows(images: Tensor) -> Tensor:
    """The same of `(N, H, W, 3)`: by whole rows, since three channels alone are no vector."""
    mean, std = (each.repeat(images.shape[2]) for each in (MEAN, STD))
    values = images.flatten(2).float().sub_(mean).div_(std)
    return values.view(images.shape).permute(0, 3, 1, 2)


def ours(dataset: PreparedDataset, config: AugmentConfig, batch_size: int) -> Iterator[int]:
    """Epochs without end; gives how many images each had."""
    data = DataModule(dataset, batch_size=batch_size, augment=config)
    loader = data.train_dataloader()
    step = 0
    for epoch in range(1_000_000):
        loader.sampler.set_epoch(epoch)  # type: ignore[attr-defined]  # as Lightning does
        count = 0
        for images, _ in loader:
            varied = data.augmented(images, step=step)
            count += len(network_input_of_rows(varied))
            step += 1
        yield count


def theirs(loader: Iterable[Sequence[Tensor]]) -> Iterator[int]:
    """Epochs without end of a loader of `(N, 3, H, W)` uint8 images and labels."""
    while True:
        yield sum(len(network_input(images)) for images, _ in loader)


def torchvision_loader(
    root: Path, transform: Callable[[Any], Tensor], batch_size: int, workers: int
) -> DataLoader[Any]:
    """ImageFolder and DataLoader as their documentation has them."""
    return DataLoader(
        ImageFolder(root / "train", transform),
        batch_size=batch_size,
        shuffle=True,
        drop_last=True,
        num_workers=workers,
        persistent_workers=workers > 0,
    )


class _Streamed(litdata.StreamingDataset):  # type: ignore[misc]  # litdata leaves it untyped
    def __init__(self, folder: Path, transform: Callable[[Tensor], Tensor]) -> None:
        super().__init__(str(folder), shuffle=True, drop_last=False)
        self._vary = transform

    def __getitem__(self, index: Any) -> tuple[Tensor, int]:
        sample = super().__getitem__(index)
        return self._vary(sample["image"]), sample["label"]


def litdata_loader(
    folder: Path, transform: Callable[[Tensor], Tensor], batch_size: int, workers: int
) -> Iterable[Sequence[Tensor]]:
    """StreamingDataset and StreamingDataLoader over what `optimize` wrote."""
    return litdata.StreamingDataLoader(  # type: ignore[no-any-return]
        _Streamed(folder, transform),
        batch_size=batch_size,
        drop_last=True,
        num_workers=workers,
        persistent_workers=workers > 0,
    )


def _stored(sample: tuple[str, int], side: int) -> dict[str, Any]:
    path, label = sample
    with Image.open(path) as image:
        resized = v2.functional.resize(image.convert("RGB"), [side])
    return {
        "image": v2.functional.pil_to_tensor(v2.functional.center_crop(resized, [side, side])),
        "label": label,
    }


def optimise(files: Files, root: Path, folder: Path) -> None:
    """Store the training files as uint8 pixels in litdata's chunks."""
    method = multiprocessing.get_start_method()
    litdata.optimize(
        fn=partial(_stored, side=files.side),
        inputs=list(ImageFolder(root / "train").samples),
        output_dir=str(folder),
        chunk_bytes="64MB",
        num_workers=1,
        verbose=False,
    )
    multiprocessing.set_start_method(method, force=True)  # litdata has changed it for all


@dataclass(frozen=True)
class Variation:
    """One augmentation, as each of the three takes it."""

    config: AugmentConfig
    of_files: Callable[[Any], Tensor]
    of_pixels: Callable[[Tensor], Tensor]


def variations(side: int) -> dict[str, Variation]:
    """What is measured, by name."""
    shift = side // 28
    flip = v2.RandomHorizontalFlip()
    moved = v2.RandomCrop(side, padding=shift, padding_mode="edge")
    cropped = v2.RandomResizedCrop(side, scale=(CROP, 1), antialias=True)
    resized = [v2.Resize(side), v2.CenterCrop(side)]
    return {
        "flip and shift": Variation(
            AugmentConfig(flip=True, shift=shift),
            v2.Compose([*resized, v2.PILToTensor(), moved, flip]),
            v2.Compose([moved, flip]),
        ),
        "flip and crop": Variation(
            AugmentConfig(flip=True, shift=0, crop=CROP),
            v2.Compose([cropped, v2.PILToTensor(), flip]),
            v2.Compose([cropped, flip]),
        ),
    }


def rate(epochs: Iterator[int], seconds: float) -> float:
    """Images per second of as many whole epochs as it takes to fill the time."""
    count, started = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - started) < seconds:
        count += next(epochs)
    return count / elapsed


def fastest(
    make: Callable[[int], Iterable[Sequence[Tensor]]], seconds: float
) -> tuple[int, dict[int, float]]:
    """Which number of workers, from none to one for each core, gives the most images per second."""
    rates = {}
    for workers in range((os.cpu_count() or 1) + 1):
        epochs = theirs(make(workers))
        next(epochs)
        rates[workers] = rate(epochs, seconds)
        del epochs
        gc.collect()  # ends its workers, and leaves nothing of it to the next ones
    return max(rates, key=lambda workers: rates[workers]), rates


def measure(
    dataset: PreparedDataset,
    variation: Variation,
    folders: tuple[Path, Path],
    *,
    batch_size: int,
    repetitions: int,
    seconds: float,
) -> dict[str, Any]:
    """All three in turn; gives the ratios and what they are made of."""
    makers: dict[str, Callable[[int], Iterable[Sequence[Tensor]]]] = {
        "torchvision": partial(torchvision_loader, folders[0], variation.of_files, batch_size),
        "litdata": partial(litdata_loader, folders[1], variation.of_pixels, batch_size),
    }
    epochs = {"ours": ours(dataset, variation.config, batch_size)}
    trials = {}
    for name, make in makers.items():
        workers, trials[name] = fastest(make, seconds)
        tried = ", ".join(f"{count}: {found:,.0f}" for count, found in trials[name].items())
        print(f"{name}, images/s by workers: {tried}", flush=True)
        epochs[name] = theirs(make(workers))
    for each in epochs.values():
        next(each)
    rates: dict[str, list[float]] = {name: [] for name in LOADERS}
    for repetition in range(repetitions):
        # Whoever is measured second finds the machine warmer.
        for name in LOADERS if repetition % 2 else reversed(LOADERS):
            rates[name].append(rate(epochs[name], seconds))
    return {
        "ratios": {name: ratios(rates["ours"], rates[name]) for name in LOADERS[1:]},
        "images_per_second": rates,
        "images_per_second_by_workers": trials,
    }


def main() -> None:
    """Measure both sizes of files with both augmentations."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--share", type=float, default=1.0, help="of the files")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    results: dict[str, Any] = {}
    for files in (
        Files(100, 100, 100, int(4000 * arguments.share)),
        Files(500, 375, 224, int(1000 * arguments.share)),
    ):
        scratch = Path(tempfile.mkdtemp())
        try:
            root, chunks = scratch / "files", scratch / "chunks"
            write_photographs(files, root)
            dataset = prepare(
                DataConfig(
                    source=Source.folders,
                    path=str(root),
                    image_size=files.side,
                    prepared_dir=str(scratch / "prepared"),
                )
            )
            optimise(files, root, chunks)
            for name, variation in variations(files.side).items():
                title = f"{files.name}, {name}"
                results[title] = measure(
                    dataset,
                    variation,
                    (root, chunks),
                    batch_size=arguments.batch_size,
                    repetitions=arguments.repetitions,
                    seconds=arguments.seconds,
                )
                for rival, goal in (("torchvision", 5), ("litdata", 1)):
                    ratio = results[title]["ratios"][rival]
                    show(f"{title}: images/s over {rival}", ratio, f"at least {goal}")
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    store("loading", {"batch_size": arguments.batch_size, "results": results})


if __name__ == "__main__":
    main()
