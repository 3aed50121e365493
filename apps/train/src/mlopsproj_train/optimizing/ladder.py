"""The rungs of a ladder, in the order in which they are tried, and how each graph is made.

What must be trained first stands in `networks`. Knows nothing of what becomes of a variant.
"""

import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from mlopsproj_core.bundle import MODEL
from mlopsproj_models.compression.folding import fold_graph
from mlopsproj_models.compression.quantisation import quantise_dynamic, quantise_static
from mlopsproj_models.compression.ranges import find_ranges
from mlopsproj_models.compression.sensitivity import most_sensitive, rank_layers
from mlopsproj_models.config import Calibration

from mlopsproj_train.optimizing.config import OptimizeConfig
from mlopsproj_train.optimizing.networks import distil_network, prune_network
from mlopsproj_train.optimizing.workshop import BASELINE, Workshop
from mlopsproj_train.progress import progress_bar

_SENSITIVITY_IMAGES = 128

Build = Callable[[Workshop, Path], dict[str, Any]]
"""Writes a graph, and tells how it was made."""


@dataclass(frozen=True)
class Rung:
    """One variant to try.

    Attributes:
        name: of the variant.
        settings: that it follows from, beside what all follow from.
        build: makes its graph.
    """

    name: str
    settings: dict[str, Any]
    build: Build


def make_ladder(config: OptimizeConfig) -> list[Rung]:
    """The rungs that a configuration asks for; the parent's own graph is the first.

    Args:
        config: of the climb.
    """
    quantisation = config.quantisation
    int8 = asdict(quantisation)
    rungs = [Rung(BASELINE, {}, _copy), Rung("folded", {}, _fold)]
    if quantisation.dynamic:
        rungs.append(Rung("int8-dynamic", {}, _quantise_dynamic))
    settings: dict[str, Any]
    for method in quantisation.methods:
        settings = {"images": quantisation.images}
        rungs.append(Rung(f"int8-{method}", settings, partial(_quantise, "folded", method)))
    if quantisation.mixed and quantisation.methods:
        rungs.append(Rung("int8-mixed", int8, _quantise_mixed))
    for ratio in config.pruning.ratios:
        settings = {"epochs": config.pruning.epochs, "lr": config.pruning.lr, "seed": config.seed}
        rungs += _trained(f"pruned-{_percent(ratio)}", settings, int8, prune_network(ratio))
    for width in config.distillation.widths:
        settings = {"epochs": config.distillation.epochs, "seed": config.seed}
        rungs += _trained(f"distilled-{_percent(width)}", settings, int8, distil_network(width))
    return rungs


def _trained(name: str, settings: dict[str, Any], int8: dict[str, Any], build: Build) -> list[Rung]:
    """A network that is trained, and the same in int8 if that is tried at all."""
    rungs = [Rung(name, settings, build)]
    if int8["methods"]:
        both = {**settings, **int8}
        rungs.append(Rung(f"{name}-int8", both, partial(_quantise, name, None)))
    return rungs


def _percent(share: float) -> str:
    return f"{100 * share:.10g}"


def _copy(workshop: Workshop, graph: Path) -> dict[str, Any]:
    shutil.copyfile(workshop.parent.bundle.path / MODEL, graph)
    return {"made": "the graph as it is"}


def _fold(workshop: Workshop, graph: Path) -> dict[str, Any]:
    count = fold_graph(workshop.graph(BASELINE), graph)
    return {"made": "the same with less to compute", "normalisations_folded": count}


def _quantise_dynamic(workshop: Workshop, graph: Path) -> dict[str, Any]:
    quantise_dynamic(workshop.graph("folded"), graph)
    return {"made": "int8, activations measured at each request"}


def _quantise(
    source: str, method: Calibration | None, workshop: Workshop, graph: Path
) -> dict[str, Any]:
    """Int8 by one method; by what was best for the parent, unless given."""
    method = method or workshop.best_method()
    ranges = graph.parent.parent / "ranges.json"
    find_ranges(workshop.graph(source), workshop.calibration_images, method, ranges)
    reduced = workshop.reduced_range
    quantise_static(workshop.graph(source), graph, ranges, method=method, reduced_range=reduced)
    return {
        "made": f"int8, ranges by {method}",
        "source": source,
        "method": method.value,
        "weight_bits": 7 if reduced else 8,
    }


def _quantise_mixed(workshop: Workshop, graph: Path) -> dict[str, Any]:
    """Int8 but for the layers that suffer most from it."""
    method = workshop.best_method()
    source = workshop.graph("folded")
    ranges = workshop.rung(f"int8-{method}") / "ranges.json"
    dataset, reduced = workshop.parent.dataset, workshop.reduced_range
    with progress_bar("finding the layers that suffer from int8") as report:
        ranked = rank_layers(
            source,
            ranges,
            workshop.calibration_images[:_SENSITIVITY_IMAGES],
            dataset.spec,
            len(dataset.classes),
            method=method,
            reduced_range=reduced,
            progress=report,
        )
    kept = most_sensitive(ranked)
    quantise_static(source, graph, ranges, method=method, float_layers=kept, reduced_range=reduced)
    return {
        "made": f"int8, ranges by {method}, {len(kept)} of {len(ranked)} layers in float",
        "float_layers": kept,
        "sensitivity": dict(ranked),
        "weight_bits": 7 if reduced else 8,
    }
