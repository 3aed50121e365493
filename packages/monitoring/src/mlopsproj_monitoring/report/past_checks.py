"""The figure of what was found before: p-values and accuracy over time.

Knows nothing of databases.
"""

from collections.abc import Sequence
from typing import Any, Final

from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from mlopsproj_records.drift_history import DriftCheckRecord

from mlopsproj_monitoring.report.figures import ALARM, INK, REFERENCE, WINDOW, new_figure, tidy

_SMALLEST: Final = 1e-12
"""That is drawn: below, a p-value says no more."""


def history_figure(checks: Sequence[DriftCheckRecord], alpha: float) -> Figure:
    """Two rows over one axis of time: p-values, and accuracy with its intervals.

    Args:
        checks: of one version, in any order.
        alpha: at which a check says drift.
    """
    ordered = sorted(checks, key=lambda check: check.time)
    figure = new_figure(12, 5)
    upper = figure.add_subplot(2, 1, 1)
    lower = figure.add_subplot(2, 1, 2, sharex=upper)
    _p_values(upper, [each for each in ordered if each.p_value is not None], alpha)
    _accuracies(lower, ordered)
    locator = AutoDateLocator()  # type: ignore[no-untyped-call]  # (matplotlib leaves it untyped)
    lower.xaxis.set_major_locator(locator)
    formatter = ConciseDateFormatter(locator)  # type: ignore[no-untyped-call]  # (likewise)
    lower.xaxis.set_major_formatter(formatter)
    lower.xaxis.get_offset_text().set_color(INK)
    upper.tick_params(labelbottom=False)
    return figure


def _p_values(axes: Axes, checks: Sequence[DriftCheckRecord], alpha: float) -> None:
    tidy(axes, "p-value of each check; below the line it is drift if the effect is large enough")
    times: Any = [each.time for each in checks]
    values = [max(_SMALLEST, each.p_value or 0.0) for each in checks]
    colours = [ALARM if each.verdict == "drift" else WINDOW for each in checks]
    axes.axhline(alpha, color=ALARM, linewidth=1, linestyle="--")
    axes.scatter(times, values, c=colours, s=18)
    axes.set_yscale("log")


def _accuracies(axes: Axes, checks: Sequence[DriftCheckRecord]) -> None:
    tidy(axes, "accuracy: estimated, of labelled images, and of the reference")
    lines = (
        ("estimated_accuracy", "estimated", WINDOW),
        ("accuracy", "of labelled images", ALARM),
        ("reference_accuracy", "reference", REFERENCE),
    )
    for key, label, colour in lines:
        known = [each for each in checks if each.document.get(key)]
        times: Any = [each.time for each in known]
        shares = [each.document[key] for each in known]
        if not shares:
            continue
        axes.plot(
            times, [one["value"] for one in shares], color=colour, label=label, marker=".", lw=1.2
        )
        bounds = ([one["low"] for one in shares], [one["high"] for one in shares])
        axes.fill_between(times, *bounds, color=colour, alpha=0.15, linewidth=0)
    axes.set_ylim(0, 1.02)
    axes.legend(frameon=False, labelcolor=INK, fontsize=9, loc="lower left")
