"""Two versions beside each other, gathered as plain values.

Every difference is the second less the first. Knows nothing of arguments and of how the answer is
shown.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
from mlopsproj_core.bundle import MODEL
from mlopsproj_core.registry import Registry
from mlopsproj_evaluation.gates import FindTestImages, Side
from mlopsproj_evaluation.gates.latency import inference
from mlopsproj_evaluation.latency import BATCHES, interleaved, ratio
from mlopsproj_evaluation.opponents import on_images_of, open_side
from mlopsproj_evaluation.paired_figures import (
    FigureDifference,
    RecallDifference,
    figure_differences,
    mcnemar,
    recall_differences,
)
from mlopsproj_evaluation.pairs import Pairs

_ROUNDS, _SECONDS = 30, 5.0
_LEVEL = 0.975
"""Of each bound, so that both together are an interval of 95 %."""


def compare_versions(
    registry: Registry,
    first: str,
    second: str,
    *,
    speed: bool = True,
    find_test_images: FindTestImages | None = None,
) -> dict[str, Any]:
    """Gather what two versions are and said, and how they differ.

    Args:
        registry: that holds both.
        first: `name:version` or `name@alias`.
        second: the same; its test images and labels count.
        speed: whether both are timed here and now, which takes seconds.
        find_test_images: gives the second's, to score the first on where it was tested on others.

    Raises:
        NotFoundError: if there is no such version.
        BundleError: if one of them is damaged, or of another release.
        RegistryError: if the registry cannot be reached.
    """
    ours, theirs = (registry.resolve(reference) for reference in (second, first))
    second_side = open_side(registry, ours)
    first_side = open_side(registry, theirs)
    paired = on_images_of(second_side, first_side, find_test_images)
    sides = first_side, second_side
    return {
        "first": _facts(first_side),
        "second": _facts(second_side),
        "images": _compare_images(paired, second_side, scored_again=paired is not first_side),
        "size": _compare_sizes(sides),
        "speed": _compare_speed(sides) if speed else None,
        "config": differing(*(side.bundle.manifest.config for side in sides)),
        "packages": differing(*(side.bundle.manifest.packages for side in sides)),
        "data": _compare_data(sides),
    }


def differing(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Keys, written with dots, whose values differ; a value that is not there is left out."""
    ours, theirs = _flat(first), _flat(second)
    found = []
    for key in sorted(ours.keys() | theirs.keys()):
        values = {
            name: side[key] for name, side in (("first", ours), ("second", theirs)) if key in side
        }
        if len(values) < 2 or values["first"] != values["second"]:  # noqa: PLR2004 (both sides)
            found.append({"key": key, **values})
    return found


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            found |= _flat(value, f"{prefix}{key}.")
        else:
            found[f"{prefix}{key}"] = value
    return found


def _facts(side: Side) -> dict[str, Any]:
    manifest = side.bundle.manifest
    return {
        "version": side.name,
        "created": manifest.created.isoformat(),
        "parent": manifest.parent,
        "git_commit": manifest.git_commit,
        "image": asdict(manifest.image),
        "classes": list(manifest.classes),
        "metrics": {name: metric.model_dump() for name, metric in manifest.metrics.items()},
        "data": manifest.data.model_dump(),
        "test_images": len(side.scores),
    }


def _compare_images(first: Side, second: Side, *, scored_again: bool) -> dict[str, Any]:
    """On the images that both were judged on; `reason` says why there is nothing to compare."""
    found: dict[str, Any] = {
        "common": len(set(first.scores.ids) & set(second.scores.ids)),
        "excluded": 0,
        "counted": 0,
        "scored_again": scored_again,
        "reason": None,
        "figures": [],
        "classes": [],
        "mcnemar": None,
    }
    classes = second.bundle.manifest.classes
    if classes != first.bundle.manifest.classes:
        return {**found, "reason": "their classes differ: what they say cannot be compared"}
    pairs = second.pairs_with(first)
    found |= {"excluded": pairs.excluded, "counted": len(pairs)}
    if not len(pairs):
        return {**found, "reason": _why_none(pairs)}
    return {
        **found,
        "figures": [_plain(row) for row in figure_differences(pairs)],
        "classes": [_plain(row) for row in recall_differences(pairs, classes)],
        "mcnemar": asdict(mcnemar(pairs)),
    }


def _plain(row: FigureDifference | RecallDifference) -> dict[str, Any]:
    """With the names of this comparison: the first holds the place of a champion."""
    names = {"champion": "first", "candidate": "second"}
    return {names.get(key, key): value for key, value in asdict(row).items()}


def _why_none(pairs: Pairs) -> str:
    if pairs.excluded:
        return "one of both was trained on every image that both were tested on"
    return "no test image is common to both: prepare the data of the second, or name --prepared-dir"


def _compare_sizes(sides: tuple[Side, Side]) -> dict[str, Any]:
    first, second = ((side.bundle.path / MODEL).stat().st_size for side in sides)
    return {"first": first, "second": second, "ratio": second / first}


def _compare_speed(sides: tuple[Side, Side]) -> list[dict[str, Any]]:
    """Seconds of an inference, timed in turn; the ratio is of the second to the first."""
    first, second = (inference(side) for side in sides)
    found = []
    for batch in BATCHES:
        runs = {"first": first(batch), "second": second(batch)}
        times = interleaved(runs, rounds=_ROUNDS, seconds=_SECONDS)
        measured = ratio(times["second"], times["first"], level=_LEVEL)
        # Too few rounds have no upper end, and JSON knows no infinity.
        high = measured.high if math.isfinite(measured.high) else None
        found.append(
            {
                "batch": batch,
                "first_seconds": float(np.median(times["first"])),
                "second_seconds": float(np.median(times["second"])),
                "ratio": measured.median,
                "low": measured.low,
                "high": high,
                "rounds": measured.rounds,
            }
        )
    return found


def _compare_data(sides: tuple[Side, Side]) -> dict[str, Any]:
    first, second = (side.bundle.manifest for side in sides)
    return {
        "same": first.data.fingerprint == second.data.fingerprint,
        "differences": differing(first.data.model_dump(), second.data.model_dump()),
        "classes_of_first_only": [name for name in first.classes if name not in second.classes],
        "classes_of_second_only": [name for name in second.classes if name not in first.classes],
    }
