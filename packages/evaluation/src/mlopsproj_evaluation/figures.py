"""Pictures of a report: what is taken for what, how honest its confidence is, its worst mistakes.

Drawn without a display and without matplotlib's global state. Knows nothing of bundles.
"""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from mlopsproj_core.labelled import LabelledImages

from mlopsproj_evaluation.report import Report
from mlopsproj_evaluation.scores import Scores

_DPI = 120
_MISTAKES = 24
_COLUMNS, _FEWEST_COLUMNS = 8, 4
_NUMBERED_CLASSES = 25
_NAMED_CLASSES = 60
_LONGEST_NAME = 18


def write_figures(
    report: Report, scores: Scores, images: LabelledImages, folder: Path
) -> list[Path]:
    """Draw every figure as PNG.

    Args:
        report: of `scores`.
        scores: of `images`, in their order.
        images: that were judged.
        folder: made if it is missing.

    Returns:
        The files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    figures = {
        "confusion_matrix": _confusion_matrix(report),
        "reliability_diagram": _reliability_diagram(report),
        "worst_mistakes": _worst_mistakes(scores, images),
    }
    paths = []
    for name, figure in figures.items():
        path = folder / f"{name}.png"
        figure.savefig(path, dpi=_DPI)
        paths.append(path)
    return paths


def _confusion_matrix(report: Report) -> Figure:
    classes = len(report.per_class)
    size = max(5.0, min(16.0, 2.5 + 0.5 * classes))
    figure = Figure(figsize=(size + 1, size), layout="constrained")
    axes = figure.add_subplot()
    totals = report.confusion.sum(axis=1, keepdims=True)
    shares = report.confusion / np.maximum(totals, 1)
    # By the root of the share, since mistakes are rare and are what is looked for.
    drawn = axes.imshow(shares, cmap="Blues", norm=PowerNorm(0.5, vmin=0, vmax=1))
    figure.colorbar(drawn, label="share of the images of the class", shrink=0.8, aspect=30)
    named = range(0, classes, -(-classes // _NAMED_CLASSES))
    names = [_short(report.per_class[label].name) for label in named]
    axes.set_xticks(named, names, rotation=90)
    axes.set_yticks(named, names)
    axes.set_xlabel("predicted")
    axes.set_ylabel("label")
    axes.set_title(f"Confusion matrix, {report.images:,} images")
    if classes <= _NUMBERED_CLASSES:
        _write_numbers(axes, report, shares)
    return figure


def _write_numbers(axes: Axes, report: Report, shares: np.ndarray) -> None:
    for (row, column), count in np.ndenumerate(report.confusion):
        if count:
            colour = "white" if shares[row, column] > 0.3 else "black"  # noqa: PLR2004 (legible)
            axes.text(column, row, str(count), ha="center", va="center", color=colour, fontsize=9)


def _reliability_diagram(report: Report) -> Figure:
    figure = Figure(figsize=(6, 6.5), layout="constrained")
    axes, counts = figure.subplots(2, 1, sharex=True, height_ratios=(4, 1))
    axes.plot([0, 1], [0, 1], color="grey", linestyle="--", label="honest")
    confidence = [item.confidence for item in report.calibration]
    accuracy = [item.accuracy for item in report.calibration]
    axes.plot(confidence, accuracy, marker="o", label="the model")
    axes.vlines(confidence, confidence, accuracy, color="C3", alpha=0.6)
    axes.set_ylabel("share that is right")
    axes.set_ylim(0, 1.02)
    error = report.metrics["expected_calibration_error"]
    axes.set_title(
        f"Expected calibration error {error.value:.4f} ({error.low:.4f} to {error.high:.4f})"
    )
    axes.legend(loc="upper left")
    axes.grid(alpha=0.3)
    counts.bar(confidence, [item.images for item in report.calibration], width=0.03)
    counts.set_yscale("log")
    counts.set_ylim(bottom=0.5)  # shows a bin of one image
    counts.set_ylabel("images")
    counts.set_xlabel("confidence")
    counts.set_xlim(0, 1.02)
    return figure


def _worst_mistakes(scores: Scores, images: LabelledImages) -> Figure:
    mistakes = np.flatnonzero(~scores.correct)
    confidence = scores.probabilities.max(axis=1)
    worst = mistakes[np.argsort(-confidence[mistakes], kind="stable")][:_MISTAKES]
    columns = min(_COLUMNS, max(_FEWEST_COLUMNS, len(worst)))
    rows = -(-len(worst) // columns)
    figure = Figure(figsize=(1.7 * columns, 2.1 * rows + 0.8), layout="constrained")
    figure.suptitle(
        f"{len(worst)} most confident of {len(mistakes):,} mistakes on {len(scores):,} images"
        if len(worst)
        else f"No mistake on {len(scores):,} images"
    )
    predicted = scores.predicted
    for place, row in enumerate(worst):
        axes = figure.add_subplot(rows, columns, place + 1)
        axes.set_axis_off()
        pixels = images.images[row]
        if pixels.shape[2] == 1:
            axes.imshow(pixels[:, :, 0], cmap="gray", vmin=0, vmax=255)
        else:
            axes.imshow(pixels)
        axes.set_title(
            f"{_short(images.classes[predicted[row]])} {confidence[row]:.2f}\n"
            f"is {_short(images.classes[scores.labels[row]])}",
            fontsize=8,
        )
    return figure


def _short(name: str) -> str:
    """One line; long names lose their middle, since alike ones often differ at an end only."""
    name = " ".join(name.split())
    if len(name) > _LONGEST_NAME:
        half = _LONGEST_NAME // 2
        name = f"{name[:half]}…{name[1 - half :]}"
    return name.replace("$", r"\$")  # else matplotlib reads a formula
