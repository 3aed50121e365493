"""What a prepared data set holds, and what is wrong with it, as plain values.

Knows nothing of sources: all is read from the prepared data set.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from mlopsproj_data.prepared import PreparedDataset
from mlopsproj_data.splits import SPLITS, TRAIN

_CHANNELS: Final = {1: ("grey",), 3: ("red", "green", "blue")}
_MEASURED: Final = ("width", "height", "brightness", "contrast", "sharpness", "saturation")
_IMAGES_AT_ONCE: Final = 1024
_VALUES: Final = 256


def describe(dataset: PreparedDataset) -> dict[str, Any]:
    """What there is to say of a data set, JSON-ready.

    Returns:
        `counts` of images by split; `class_counts` by class and split; `measured`: the least,
        median and most of width and height in pixels and of the image statistics; how many
        images have which of the `sizes`, `modes` and `formats`, the commonest first; `channels`:
        mean and standard deviation of the training pixels, 0 to 1; `groups`: how many there are,
        and how many of them, with how many images, stand in several splits; `dropped`: how many
        images were left out, by reason; `findings` of the validation.
    """
    table = pa.concat_tables([dataset.table(split) for split in SPLITS])
    sizes = zip(table["width"].to_pylist(), table["height"].to_pylist(), strict=True)
    return {
        "name": dataset.name,
        "fingerprint": dataset.fingerprint,
        "image": list(dataset.spec.shape),
        "counts": dict(dataset.counts),
        "class_counts": _class_counts(dataset.classes, table),
        "measured": {name: _spread(table[name].to_numpy()) for name in _MEASURED},
        "sizes": _commonest(f"{width} x {height}" for width, height in sizes),
        "modes": _commonest(table["mode"].to_pylist()),
        "formats": _commonest(name or "array" for name in table["format"].to_pylist()),
        "channels": _channels(dataset),
        "groups": _groups(table),
        "dropped": dict(dataset.dropped),
        "findings": _findings(dataset),
    }


def _class_counts(classes: tuple[str, ...], table: pa.Table) -> dict[str, dict[str, int]]:
    pairs = Counter(zip(table["label"].to_pylist(), table["split"].to_pylist(), strict=True))
    return {
        name: {split: pairs[label, split] for split in SPLITS} for label, name in enumerate(classes)
    }


def _spread(values: npt.NDArray[Any]) -> dict[str, float]:
    return {
        "least": round(float(values.min()), 4),
        "median": round(float(np.median(values)), 4),
        "most": round(float(values.max()), 4),
    }


def _commonest(values: Iterable[str]) -> dict[str, int]:
    return dict(Counter(values).most_common())


def _channels(dataset: PreparedDataset) -> dict[str, dict[str, float]]:
    """By a histogram of the values that a byte has: exact, and in constant memory."""
    images = dataset.labelled(TRAIN).images
    names = _CHANNELS[dataset.spec.channels]
    histograms = np.zeros((len(names), _VALUES), np.int64)
    for start in range(0, len(images), _IMAGES_AT_ONCE):
        pixels = images[start : start + _IMAGES_AT_ONCE]
        for channel in range(len(names)):
            histograms[channel] += np.bincount(pixels[..., channel].ravel(), minlength=_VALUES)
    return {name: _moments(each) for name, each in zip(names, histograms, strict=True)}


def _moments(histogram: npt.NDArray[np.int64]) -> dict[str, float]:
    values = np.arange(_VALUES) / (_VALUES - 1)
    mean = np.average(values, weights=histogram)
    variance = np.average((values - mean) ** 2, weights=histogram)
    return {"mean": round(float(mean), 4), "deviation": round(float(np.sqrt(variance)), 4)}


def _groups(table: pa.Table) -> dict[str, int]:
    images: Counter[str] = Counter()
    splits = defaultdict(set)
    for group, split in zip(table["group"].to_pylist(), table["split"].to_pylist(), strict=True):
        if group is not None:
            images[group] += 1
            splits[group].add(split)
    divided = [group for group, where in splits.items() if len(where) > 1]
    return {
        "count": len(images),
        "divided": len(divided),
        "divided_images": sum(images[group] for group in divided),
    }


def _findings(dataset: PreparedDataset) -> list[dict[str, Any]]:
    kept = ("check", "severity", "count", "message")
    findings = dataset.report["findings"] if dataset.report else []
    return [{key: finding[key] for key in kept} for finding in findings]
