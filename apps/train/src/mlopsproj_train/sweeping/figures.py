"""What a sweep looks like: its course, its epochs, and what each setting did.

Knows nothing of databases and of how trials came about.
"""

import math
import tempfile
from collections.abc import Mapping, Sequence
from itertools import accumulate
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from mlopsproj_core.local_files import put_in_place

from mlopsproj_train.arguments import as_value
from mlopsproj_train.sweeping.outcomes import Outcome, TrialResult
from mlopsproj_train.sweeping.search_space import Choices, SearchSpace

_STYLES = {
    Outcome.complete: {"color": "C0", "marker": "o", "label": "complete"},
    Outcome.pruned: {"color": "C7", "marker": "x", "label": "ended early"},
}
_COLUMNS = 3


def draw_figures(
    rows: Sequence[TrialResult],
    space: SearchSpace,
    importance: Mapping[str, float],
    folder: Path,
) -> list[Path]:
    """Draw `history.png`, `epochs.png` and `settings.png`.

    Args:
        rows: trials.
        space: that was searched.
        importance: of each setting, 0 to 1, where it is known.
        folder: for the PNG files.

    Returns:
        Their paths; none before a trial has a figure.
    """
    shown = sorted((row for row in rows if row.outcome in _STYLES), key=lambda row: row.number)
    shown = [row for row in shown if row.accuracies]
    if not shown:
        return []
    folder.mkdir(parents=True, exist_ok=True)
    figures = {
        "history.png": _history(shown),
        "epochs.png": _epochs(shown),
        "settings.png": _settings(shown, space, importance),
    }
    for name, figure in figures.items():
        # Two processes may end at once: each has drafts of its own.
        with tempfile.TemporaryDirectory(prefix=".", dir=folder) as own:
            draft = Path(own) / name
            figure.savefig(draft, dpi=120, format="png")
            put_in_place(draft, folder / name)
    return [folder / name for name in figures]


def _history(rows: Sequence[TrialResult]) -> Figure:
    figure = Figure(figsize=(8, 4), layout="constrained")
    axes = figure.subplots()
    _scatter(axes, rows, [row.number for row in rows])
    complete = [row for row in rows if row.outcome is Outcome.complete]
    best = list(accumulate((_accuracy(row) for row in complete), max))
    axes.step([row.number for row in complete], best, where="post", color="C1", label="best so far")
    axes.set(title="Trials", xlabel="trial", ylabel="best validation accuracy")
    axes.legend()
    return figure


def _epochs(rows: Sequence[TrialResult]) -> Figure:
    figure = Figure(figsize=(8, 4), layout="constrained")
    axes = figure.subplots()
    for row in rows:
        style = _STYLES[row.outcome]
        epochs = range(1, len(row.accuracies) + 1)
        axes.plot(epochs, row.accuracies, color=style["color"], marker=".", alpha=0.6)
    axes.set(title="Epochs of each trial", xlabel="epoch", ylabel="validation accuracy")
    axes.grid(alpha=0.3)
    return figure


def _settings(
    rows: Sequence[TrialResult], space: SearchSpace, importance: Mapping[str, float]
) -> Figure:
    columns = min(_COLUMNS, len(space.parameters))
    lines = math.ceil(len(space.parameters) / columns)
    figure = Figure(figsize=(4 * columns, 3.4 * lines), layout="constrained")
    grid = figure.subplots(lines, columns, squeeze=False).flatten()
    for axes, (key, parameter) in zip(grid, space.parameters.items(), strict=False):
        told = f" (importance {importance[key]:.2f})" if key in importance else ""
        axes.set(title=f"{key}{told}", ylabel="best validation accuracy")
        if isinstance(parameter, Choices):
            texts = [as_value(value) for value in parameter.values.values()]
            _scatter(axes, rows, [texts.index(row.settings[key]) for row in rows])
            axes.set_xticks(range(len(texts)), texts)
        else:
            _scatter(axes, rows, [float(row.settings[key]) for row in rows])
            axes.set_xscale("log" if parameter.log else "linear")
    for axes in grid[len(space.parameters) :]:
        axes.set_visible(False)
    return figure


def _scatter(axes: Axes, rows: Sequence[TrialResult], places: Sequence[float]) -> None:
    for outcome, style in _STYLES.items():
        chosen = [i for i, row in enumerate(rows) if row.outcome is outcome]
        if chosen:
            axes.scatter(
                [places[i] for i in chosen],
                [_accuracy(rows[i]) for i in chosen],
                color=style["color"],
                marker=style["marker"],
                label=style["label"],
            )
    axes.grid(alpha=0.3)


def _accuracy(row: TrialResult) -> float:
    assert row.accuracy is not None  # noqa: S101 (only rows with a figure are drawn)
    return row.accuracy
