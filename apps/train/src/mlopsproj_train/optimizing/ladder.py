"""The rungs of a ladder, in the order in which they are tried, and how each graph is made.

What must be trained first stands in `networks`. Knows nothing of what becomes of a variant.
"""

import shutil
from dataclasses import dataclass
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
from mlopsproj_train.optimizing.workshop import BASELINE, FOLDED, Build, Workshop
from mlopsproj_train.progress import progress_bar

_SENSITIVITY_IMAGES = 128


@dataclass(frozen=True)
class Rung:
    """One variant to try.

    Attributes:
        name: of the variant.
        settings: that it follows from, beside what all follow from.
        build: makes its graph.
        sources: variants that it is made from, or by.
    """

    name: str
    settings: dict[str, Any]
    build: Build
    sources: tuple[str, ...] = ()


def make_ladder(config: OptimizeConfig) -> list[Rung]:
    """The rungs that a configuration asks for; the parent's own graph is the first.

    Args:
        config: of the climb.
    """
    quantisation = config.quantisation
    int8: dict[str, Any] = {"images": quantisation.images, "seed": config.seed}
    static = tuple(f"int8-{method}" for method in quantisation.methods)
    rungs = [Rung(BASELINE, {}, _copy), Rung(FOLDED, {}, _fold, (BASELINE,))]
    if quantisation.dynamic:
        rungs.append(Rung("int8-dynamic", {}, _quantise_dynamic, (FOLDED,)))
    rungs += [
        Rung(f"int8-{method}", int8, partial(_quantise, FOLDED, method), (FOLDED,))
        for method in quantisation.methods
    ]
    if quantisation.mixed and static:
        rungs.append(Rung("int8-mixed", int8, _quantise_mixed, (FOLDED, *static)))
    trained = [
        (
            f"pruned-{_percent(ratio)}",
            {"epochs": config.pruning.epochs, "lr": config.pruning.lr, "seed": config.seed},
            prune_network(ratio),
        )
        for ratio in config.pruning.ratios
    ] + [
        (
            f"distilled-{_percent(width)}",
            {"epochs": config.distillation.epochs, "seed": config.seed},
            distil_network(width),
        )
        for width in config.distillation.widths
    ]
    for name, settings, build in trained:
        rungs.append(Rung(name, settings, build))
        if static:
            both = (name, *static)
            rungs.append(Rung(f"{name}-int8", int8, partial(_quantise, name, None), both))
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
    quantise_dynamic(workshop.graph(FOLDED), graph)
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
    source = workshop.graph(FOLDED)
    ranges = workshop.rung(f"int8-{method}") / "ranges.json"
    if not ranges.exists():
        find_ranges(source, workshop.calibration_images, method, ranges)
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
