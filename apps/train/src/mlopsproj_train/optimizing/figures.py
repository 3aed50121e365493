"""What there was to choose from, in one picture: accuracy against speed, and against size.

Drawn without a display. Knows nothing of files beside its own.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mlopsproj_train.optimizing.choice import Standing
from mlopsproj_train.optimizing.report import Findings

_DPI = 120
_MEGABYTE = 1e6


def draw_variants(findings: Findings, path: Path) -> None:
    """Draw every variant with its interval, and the line of those that none beats in both.

    Args:
        findings: of a climb.
        path: PNG file that is written.
    """
    figure = Figure(figsize=(12, 5), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    case = findings.cases[-1]
    _draw(left, findings, lambda one: case.images_per_second(one.name), larger_is_better=True)
    left.set_xlabel(f"images/s, {case.batch} at once on {case.threads} thread(s)")
    left.set_ylabel("validation accuracy, 95 % interval")
    _draw(right, findings, lambda one: one.size / _MEGABYTE, larger_is_better=False)
    right.set_xlabel("size of the graph, MB")
    figure.suptitle(f"Variants of {findings.parent}")
    figure.savefig(path, dpi=_DPI)


def _draw(
    axes: Axes,
    findings: Findings,
    cost: Callable[[Standing], float],
    *,
    larger_is_better: bool,
) -> None:
    chosen = findings.choice.variant
    for one in findings.standings:
        colour = "tab:green" if chosen is not None and one.name == chosen.name else "tab:blue"
        accuracy = one.accuracy
        below, above = accuracy.value - accuracy.low, accuracy.high - accuracy.value
        axes.errorbar(
            cost(one),
            accuracy.value,
            yerr=[[below], [above]],
            fmt="o",
            color=colour,
            capsize=3,
        )
        axes.annotate(
            one.name,
            (cost(one), accuracy.value),
            xytext=(5, 5),
            textcoords="offset points",
            fontsize=8,
        )
    front = pareto_front(
        [(cost(one), one.accuracy.value) for one in findings.standings],
        larger_is_better=larger_is_better,
    )
    axes.plot(*zip(*front, strict=True), color="tab:gray", linewidth=1, zorder=0)
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
