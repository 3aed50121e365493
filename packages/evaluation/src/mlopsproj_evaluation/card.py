"""The model card: what a person should know before they use a bundle, in Markdown.

Only facts that were measured or set; after Mitchell et al. 2019 (arXiv:1810.03993). Knows nothing
of bundles' files.
"""

from mlopsproj_core.image import ImageSpec
from mlopsproj_core.manifest import DataSummary, Metric, Parity

from mlopsproj_evaluation.report import ClassFigures, Report
from mlopsproj_evaluation.robustness.outcomes import Robustness

_TITLES = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "macro_f1": "macro F1",
    "auroc": "AUROC, one class against the rest",
    "expected_calibration_error": "expected calibration error",
}


def model_card(
    *,
    name: str,
    classes: tuple[str, ...],
    image: ImageSpec,
    data: DataSummary,
    report: Report,
    parity: Parity,
    robustness: Robustness | None = None,
    split: str = "test",
) -> str:
    """Write the card of one bundle.

    Args:
        name: of the model.
        classes: K names.
        image: the pixels that it takes.
        data: what it was trained and tested on.
        report: on the images of a split.
        parity: held against what it was made from.
        robustness: on spoilt test images, if it was measured.
        split: that the report is of.
    """
    colour = "grey" if image.channels == 1 else "RGB"
    counts = ", ".join(f"{count:,} {split}" for split, count in data.counts.items())
    figures = [(title, report.metrics.get(key)) for key, title in _TITLES.items()]
    rows = [
        f"| {_cell(row.name)} | {row.support:,} | {_show(row.precision)} | {_show(row.recall)} |"
        f" {_show(row.f1)} |"
        for row in report.per_class
    ]
    missed = [row for row in report.per_class if row.recall and row.recall.value < 1]
    weakest = min(missed, key=_recall, default=None)
    untested = ", ".join(_line(row.name) for row in report.per_class if not row.support)
    inputs = f"{image.height} x {image.width}, {colour}"
    difference = f"largest difference of a probability {parity.max_difference:.1e}"
    lines = [
        f"# {name}",
        "",
        f"Tells {len(classes):,} classes of images apart: {', '.join(map(_line, classes))}.",
        "",
        f"- Input: photographs of any size, resized and cropped to {inputs}.",
        f"- Data: {data.name} ({counts}), fingerprint `{data.fingerprint[:16]}`.",
        f"- Graph: held against {parity.reference} on {parity.images:,} images, {difference}.",
        "",
        f"## On {report.images:,} {split} images",
        "",
        "| figure | value (95 % interval) |",
        "| --- | --- |",
        *(f"| {title} | {_show(metric)} |" for title, metric in figures),
        "",
        "| class | images | precision | recall | F1 |",
        "| --- | --- | --- | --- | --- |",
        *rows,
        "",
        *(_robustness_lines(robustness) if robustness else []),
        "## Limits",
        "",
        "- The figures hold for images like those of the test set; the larger `ood_score`, the",
        "  less an image is like those that it was trained on.",
        "- It always names one of its classes, also for an image of none of them.",
        f"- {_weakest(weakest)}",
        *([f"- No test image shows: {untested}."] if untested else []),
        "- Not examined: fairness between groups of people, and images made to mislead it.",
        "",
        "## Use",
        "",
        "```python",
        "from pathlib import Path",
        "from mlopsproj_core import Predictor",
        "",
        'prediction = Predictor.load("BUNDLE").predict([Path("photo.jpg").read_bytes()])[0]',
        "print(prediction.label, prediction.probability)",
        "```",
        "",
    ]
    return "\n".join(lines)


def _robustness_lines(robustness: Robustness) -> list[str]:
    rows = robustness.by_corruption.items()
    return [
        f"## On {len(robustness):,} spoilt test images",
        "",
        "Each was spoilt once by every corruption, at one of five severities.",
        "",
        "| images | accuracy (95 % interval) |",
        "| --- | --- |",
        f"| as they were | {_show(robustness.clean_accuracy)} |",
        f"| spoilt, over all corruptions | {_show(robustness.accuracy)} |",
        *(f"| {name.replace('_', ' ')} | {_show(figure)} |" for name, figure in rows),
        "",
    ]


def _recall(row: ClassFigures) -> float:
    return row.recall.value if row.recall else 1.0


def _weakest(row: ClassFigures | None) -> str:
    if row is None:
        return "It missed no test image of any class: that is no proof that it never will."
    return f"It finds {_line(row.name)} least often: {_recall(row):.4f} of its images."


def _line(name: str) -> str:
    """A name that does not end its line."""
    return " ".join(name.split())


def _cell(name: str) -> str:
    """A name that does not end its cell or row."""
    return _line(name).replace("|", "\\|")


def _show(metric: Metric | None) -> str:
    if metric is None:
        return "none"
    return f"{metric.value:.4f} ({metric.low:.4f} to {metric.high:.4f})"
