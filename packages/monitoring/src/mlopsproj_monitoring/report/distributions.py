"""Figures of a window beside its reference: each number's distribution, and the mix of classes.

Knows nothing of tests.
"""

from collections.abc import Collection, Sequence
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mlopsproj_monitoring.features.measurements import MEASURED, measurements, predicted
from mlopsproj_monitoring.report.figures import ALARM, INK, REFERENCE, WINDOW, new_figure, tidy
from mlopsproj_monitoring.sample import Array, Sample

_COLUMNS: Final = 4
_BINS: Final = 30
_MOST_CLASSES: Final = 20
_LONGEST_NAME: Final = 24
_OUTER: Final = 0.002
"""Of the values, at either end, that would make a histogram of one bar and much void."""


def number_figure(window: Sample, reference: Sample, drifted: Collection[str]) -> Figure:
    """A histogram of every number that is known of any image.

    Args:
        window: rows of it.
        reference: of the model.
        drifted: names of the numbers that are a reason for drift.
    """
    now, before = measurements(window), measurements(reference)
    names = [n for n in MEASURED if _known(now[n]).size or _known(before[n]).size]
    rows = -(-len(names) // _COLUMNS)
    figure = new_figure(12, 2.4 * rows)
    for place, name in enumerate(names, start=1):
        axes = figure.add_subplot(rows, _COLUMNS, place)
        tidy(axes, name.replace("_", " "), colour=ALARM if name in drifted else INK)
        _histogram(axes, _known(now[name]), _known(before[name]))
    return figure


def class_figure(window: Sample, reference: Sample, classes: Sequence[str]) -> Figure:
    """Shares of the predicted classes; where there are many, those that changed most.

    Args:
        window: rows of it.
        reference: of the model.
        classes: their names.
    """
    shares = [
        np.bincount(predicted(sample), minlength=len(classes)) / len(sample)
        for sample in (window, reference)
    ]
    shown = np.sort(np.argsort(-np.abs(shares[0] - shares[1]), kind="stable")[:_MOST_CLASSES])
    places = np.arange(len(shown))
    figure = new_figure(12, 0.9 + 0.34 * len(shown))
    axes = figure.add_subplot()
    tidy(axes, "share of the images for which each class is the most probable")
    axes.barh(places - 0.2, shares[0][shown], 0.38, color=WINDOW, label="window")
    axes.barh(places + 0.2, shares[1][shown], 0.38, color=REFERENCE, label="reference")
    axes.set_yticks(places, [_short(classes[place]) for place in shown])
    axes.invert_yaxis()
    axes.legend(frameon=False, labelcolor=INK, fontsize=9)
    return figure


def _histogram(axes: Axes, now: Array, before: Array) -> None:
    """Both as shares of their images, over one range."""
    both = np.concatenate([now, before])
    low, high = np.quantile(both, [_OUTER, 1 - _OUTER])
    if low == high:
        low, high = low - 0.5, high + 0.5
    edges = np.linspace(low, high, _BINS + 1)
    for values, colour, filled in ((before, REFERENCE, True), (now, WINDOW, False)):
        if values.size:
            counts, _ = np.histogram(np.clip(values, low, high), edges)
            axes.stairs(
                counts / values.size,
                edges,
                color=colour,
                fill=filled,
                alpha=0.6 if filled else 1.0,
                linewidth=1.6,
            )
    axes.set_yticks([])


def _known(values: Array) -> Array:
    known: Array = values[~np.isnan(values)]
    return known


def _short(name: str) -> str:
    # matplotlib would take what stands between two dollars for a formula.
    text = name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + "…"
    return text.replace("$", r"\$")
