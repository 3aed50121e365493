"""The one figure: what was answered right, what was thought of it, and when who did what.

Knows nothing of how it came about.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from showcase.journal import Event, Phase, Point

_COLOURS = {"mono": "#e8f1fa", "poly": "#fbe9e7", "mono and poly": "#e9f5e9"}
_VERDICTS = {"no drift": "#2e7d32", "drift": "#c62828", "not enough data": "#9e9e9e"}
_SMALLEST = 1e-4


def draw(
    points: Sequence[Point], phases: Sequence[Phase], events: Sequence[Event], file: Path
) -> None:
    """Write the figure.

    Args:
        points: one for each window, in their order.
        phases: of the stream.
        events: that happened between images.
        file: PNG.
    """
    figure, (accuracy, drift) = plt.subplots(
        2, 1, figsize=(11, 6.6), sharex=True, height_ratios=(3, 2), layout="constrained"
    )
    for axes in (accuracy, drift):
        _background(axes, phases, events)
    _accuracy(accuracy, points)
    _drift(drift, points)
    _notes(accuracy, phases, events)
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, dpi=110)
    plt.close(figure)


def _background(axes: Axes, phases: Sequence[Phase], events: Sequence[Event]) -> None:
    for phase in phases:
        axes.axvspan(phase.first, phase.last, color=_COLOURS[phase.cells], lw=0)
    for event in events:
        axes.axvline(event.images, color="#555555", lw=0.9, ls=":")
    axes.margins(x=0.01)
    axes.spines[["top", "right"]].set_visible(False)


def _accuracy(axes: Axes, points: Sequence[Point]) -> None:
    for version in sorted({point.version for point in points}):
        own = [point for point in points if point.version == version]
        at = [point.images for point in own]
        axes.plot(
            *(at, [100 * point.accuracy for point in own], "o-"),
            **_label(color="#1a1a1a", label="answered right", first=version == 1),
        )
        guessed = [point for point in own if point.estimate is not None]
        values = [point.estimate for point in guessed if point.estimate is not None]
        axes.errorbar(
            [point.images for point in guessed],
            [100 * each.value for each in values],
            yerr=[
                [100 * (each.value - each.low) for each in values],
                [100 * (each.high - each.value) for each in values],
            ],
            fmt="s--",
            capsize=3,
            ms=5,
            **_label(color="#1565c0", label="estimated, without labels (95 %)", first=version == 1),
        )
        axes.hlines(
            100 * own[0].reference_accuracy,
            *(at[0] - own[0].window, at[-1]),
            color="#1565c0",
            lw=0.9,
            alpha=0.6,
        )
    axes.set_ylim(0, 102)
    axes.set_ylabel("accuracy of the window, %")
    axes.legend(loc="lower left", framealpha=0.9)


def _drift(axes: Axes, points: Sequence[Point]) -> None:
    shown = [point for point in points if point.p_value is not None]
    for verdict, colour in _VERDICTS.items():
        own = [point for point in shown if point.verdict == verdict]
        axes.plot(
            [point.images for point in own],
            [max(point.p_value or 0.0, _SMALLEST) for point in own],
            "o",
            color=colour,
            ms=7,
            label=verdict if own else None,
        )
    if shown:
        axes.axhline(shown[0].alpha, color="#555555", lw=0.9)
        axes.annotate(
            f"alarm below {shown[0].alpha:g}",
            (1.0, shown[0].alpha),
            xycoords=("axes fraction", "data"),
            ha="right",
            va="bottom",
            fontsize=9,
        )
    axes.set_yscale("log")
    axes.set_ylim(_SMALLEST / 2, 2)
    axes.set_ylabel("p-value of the check")
    axes.set_xlabel("images answered by the service")
    axes.legend(loc="center left", framealpha=0.9)


def _notes(axes: Axes, phases: Sequence[Phase], events: Sequence[Event]) -> None:
    for phase in phases:
        axes.annotate(
            f"{phase.cells} cells, model version {phase.version}",
            ((phase.first + phase.last) / 2, 1.015),
            xycoords=("data", "axes fraction"),
            ha="center",
            va="bottom",
            fontsize=10,
        )
    for images in sorted({event.images for event in events}):
        axes.annotate(
            "\n".join(event.what for event in events if event.images == images),
            (images, 0.03),
            xycoords=("data", "axes fraction"),
            xytext=(4, 0),
            textcoords="offset points",
            rotation=90,
            ha="left",
            va="bottom",
            fontsize=9,
        )


def _label(*, color: str, label: str, first: bool) -> dict[str, Any]:
    """Of a line that is drawn for each version: named once."""
    return {"color": color, "label": label if first else None}
