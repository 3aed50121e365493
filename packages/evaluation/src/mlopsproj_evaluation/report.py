"""All figures of one model on one data set, each with its 95 % bootstrap interval.

Images are resampled with replacement, all figures from the same resamples. Knows nothing of files.
"""

import json
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt
from mlopsproj_core.errors import ConfigError, DataError
from mlopsproj_core.manifest import Metric

from mlopsproj_evaluation import metrics
from mlopsproj_evaluation.metrics import Array
from mlopsproj_evaluation.resampling import bias_corrected
from mlopsproj_evaluation.resampling import resamples as draw
from mlopsproj_evaluation.scores import Scores

_TAIL = 0.025
WHOLE = ("accuracy", "balanced_accuracy", "macro_f1", "auroc", "expected_calibration_error")
"""Figures of a model as a whole, by their names in a manifest."""

_BY_CLASS = ("precision", "recall", "f1")


@dataclass(frozen=True)
class ClassFigures:
    """One row of the table by class; a figure that does not exist is None.

    Attributes:
        name: of the class.
        support: images of it.
        precision: of the images predicted as it, the share that is.
        recall: of its images, the share that was found.
        f1: harmonic mean of both.
    """

    name: str
    support: int
    precision: Metric | None
    recall: Metric | None
    f1: Metric | None


@dataclass(frozen=True)
class CalibrationBin:
    """Images of similar confidence: how sure the model was, and how often it was right."""

    images: int
    confidence: float
    accuracy: float


@dataclass(frozen=True, eq=False)
class Report:
    """What can be said of a model on N images.

    Attributes:
        images: N.
        metrics: accuracy, balanced_accuracy, macro_f1, auroc and expected_calibration_error;
            one that does not exist (AUROC of a single class) is left out.
        per_class: a row for each class.
        confusion: `(K, K)` int64 images, row the label, column the prediction.
        calibration: the bins that hold images.
    """

    images: int
    metrics: dict[str, Metric]
    per_class: tuple[ClassFigures, ...]
    confusion: npt.NDArray[np.int64]
    calibration: tuple[CalibrationBin, ...]

    def to_json(self) -> str:
        """One JSON document."""
        values = {
            "images": self.images,
            "metrics": {name: metric.model_dump() for name, metric in self.metrics.items()},
            "per_class": [
                {
                    "name": row.name,
                    "support": row.support,
                    **{
                        name: figure and figure.model_dump()
                        for name, figure in (
                            ("precision", row.precision),
                            ("recall", row.recall),
                            ("f1", row.f1),
                        )
                    },
                }
                for row in self.per_class
            ],
            "confusion": self.confusion.tolist(),
            "calibration": [asdict(item) for item in self.calibration],
        }
        return json.dumps(values, indent=2) + "\n"


def evaluate(
    scores: Scores, classes: tuple[str, ...], *, seed: int = 0, resamples: int = 1000
) -> Report:
    """Judge a model by what it said of labelled images.

    Args:
        scores: at least one image.
        classes: K names.
        seed: of the resampling.
        resamples: for each interval, at least one.

    Raises:
        ConfigError: if there is no resample.
        DataError: if there is no image, or the names are not one for each probability.
    """
    size = scores.probabilities.shape[1]
    if not len(scores):
        raise DataError("There is no image to judge the model on: give a test set that has some.")
    if len(classes) != size:
        raise DataError(
            f"{len(classes)} classes are named, but the model tells {size} apart: give the data"
            " set that it was made for."
        )
    if resamples < 1:
        raise ConfigError(f"{resamples} resamples give no interval: draw 1 or more, such as 1000.")
    estimate = figures_of(scores, np.ones((1, len(scores))))
    parts = [figures_of(scores, weights) for weights in draw(len(scores), resamples, seed=seed)]
    drawn = {name: np.concatenate([part[name] for part in parts]) for name in estimate}
    whole = {name: _metric(estimate[name][0], drawn[name]) for name in WHOLE}
    support = np.bincount(scores.labels, minlength=size)
    per_class = [
        ClassFigures(
            name,
            int(support[label]),
            **{
                kind: _metric(estimate[kind][0, label], drawn[kind][:, label]) for kind in _BY_CLASS
            },
        )
        for label, name in enumerate(classes)
    ]
    count, confidence, correct = (
        part[0] for part in metrics.calibration_bins(scores, np.ones((1, len(scores))))
    )
    return Report(
        images=len(scores),
        metrics={name: metric for name, metric in whole.items() if metric},
        per_class=tuple(per_class),
        confusion=_confusion(scores),
        calibration=tuple(
            CalibrationBin(int(n), float(sure / n), float(right / n))
            for n, sure, right in zip(count, confidence, correct, strict=True)
            if n
        ),
    )


def figures_of(scores: Scores, weights: Array) -> dict[str, Array]:
    """Every figure of every resample.

    Args:
        scores: of N images.
        weights: `(R, N)`, see `mlopsproj_evaluation.metrics`.

    Returns:
        By name `(R,)` of those in `WHOLE`, and `(R, K)` of precision, recall and f1 by class.
    """
    counts = metrics.class_counts(scores, weights)
    return {
        "accuracy": metrics.accuracy(scores, weights),
        "balanced_accuracy": metrics.balanced_accuracy(counts),
        "macro_f1": metrics.macro_f1(counts),
        "auroc": metrics.auroc(scores, weights),
        "expected_calibration_error": metrics.expected_calibration_error(scores, weights),
        "precision": counts.precision,
        "recall": counts.recall,
        "f1": counts.f1,
    }


def _metric(value: float, drawn: Array) -> Metric | None:
    """With its interval of 95 %; None where it does not exist."""
    bounds = bias_corrected(value, drawn, tail=_TAIL)
    return bounds and Metric(value=float(value), low=bounds[0], high=bounds[1])


def _confusion(scores: Scores) -> npt.NDArray[np.int64]:
    size = scores.probabilities.shape[1]
    flat = np.bincount(scores.labels * size + scores.predicted, minlength=size * size)
    return flat.reshape(size, size).astype(np.int64)
