"""What there was to choose from, in one picture: accuracy against speed, and against size.

Drawn without a display. Knows nothing of files beside its own.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from matplotlib import color_sequences
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter
from mlopsproj_core.local_files import put_in_place

from mlopsproj_train.optimizing.choice import Standing
from mlopsproj_train.optimizing.report import Findings

_DPI = 120
_MEGABYTE = 1e6
_MARKERS = "osD^v<>Ph"


def draw_variants(findings: Findings, path: Path) -> None:
    """Draw every variant with its interval, and the line of those that none beats in both.

    Args:
        findings: of a climb.
        path: PNG file that is written.
    """
    figure = Figure(figsize=(13, 5.5), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    case = findings.cases[-1]
    _draw(left, findings, lambda one: case.images_per_second(one.name), larger_is_better=True)
    left.set_xlabel(f"images/s, {case.batch} at once on {case.threads} thread(s)")
    left.set_ylabel("validation accuracy, 95 % interval")
    _draw(right, findings, lambda one: one.size / _MEGABYTE, larger_is_better=False)
    right.set_xlabel("size of the graph, MB")
    figure.legend(*left.get_legend_handles_labels(), loc="outside right center", fontsize=9)
    figure.suptitle(f"Variants of {findings.parent}")
    draft = path.with_name(f".{path.name}")
    figure.savefig(draft, dpi=_DPI, format="png")
    put_in_place(draft, path)


def _draw(
    axes: Axes,
    findings: Findings,
    cost: Callable[[Standing], float],
    *,
    larger_is_better: bool,
) -> None:
    chosen = findings.choice.variant
    colours = color_sequences["tab20"]
    for number, one in enumerate(findings.standings):
        accuracy = one.accuracy
        taken = chosen is not None and one.name == chosen.name
        axes.errorbar(
            cost(one),
            accuracy.value,
            yerr=[[accuracy.value - accuracy.low], [accuracy.high - accuracy.value]],
            fmt="*" if taken else _MARKERS[number % len(_MARKERS)],
            markersize=16 if taken else 7,
            color=colours[number % len(colours)],
            elinewidth=1,
            label=f"{one.name}, chosen" if taken else one.name,
        )
    front = pareto_front(
        [(cost(one), one.accuracy.value) for one in findings.standings],
        larger_is_better=larger_is_better,
    )
    label = "beaten by none in both"
    axes.plot(*zip(*front, strict=True), color="gray", linestyle="--", zorder=0, label=label)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    axes.xaxis.set_minor_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    axes.tick_params(axis="x", which="both", labelsize=8, rotation=30)
    axes.grid(alpha=0.3)


def pareto_front(
    points: Sequence[tuple[float, float]], *, larger_is_better: bool
) -> list[tuple[float, float]]:
    """The points that no other beats in both, by rising first value.

    Args:
        points: what it costs or gives, and the accuracy.
        larger_is_better: of the first value; of the accuracy it always is.
    """
    sign = -1 if larger_is_better else 1
    best_first = sorted(points, key=lambda point: (sign * point[0], -point[1]))
    front: list[tuple[float, float]] = []
    for point in best_first:
        if not front or point[1] > front[-1][1]:
            front.append(point)
    return sorted(front)
