"""Predictions of the log as a sample, those left out that are not the model's.

Knows nothing of windows.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from mlopsproj_records.pages import PredictionPage

from mlopsproj_monitoring.sample import NUMERIC_STATISTICS, Sample

_FLOAT32_BYTES, _FLOAT16_BYTES = 4, 2


@dataclass(frozen=True, eq=False)
class Logged:
    """What one page holds of a model.

    Attributes:
        sample: the predictions that can be used.
        rows: which of the page's they are.
        skipped: how many are left out, by reason.
        strange_labels: feedback with labels that are no class of the model.
    """

    sample: Sample
    rows: Sequence[int]
    skipped: Mapping[str, int]
    strange_labels: int


def logged(page: PredictionPage, classes: Mapping[str, int], dimensions: int) -> Logged:
    """Read a page.

    Args:
        page: of the log.
        classes: the number of each class of the model.
        dimensions: of its embedding.
    """
    skipped: Counter[str] = Counter()
    rows = []
    probabilities_bytes = _FLOAT32_BYTES * len(classes)
    embedding_bytes = _FLOAT16_BYTES * dimensions
    for row, (chances, embedding) in enumerate(
        zip(page.probabilities, page.embeddings, strict=True)
    ):
        if len(chances) != probabilities_bytes:
            skipped[
                f"{len(chances) // _FLOAT32_BYTES} probabilities instead of {len(classes)}"
            ] += 1
        elif len(embedding) != embedding_bytes:
            skipped[
                f"an embedding of {len(embedding) // _FLOAT16_BYTES} numbers instead of"
                f" {dimensions}"
            ] += 1
        else:
            rows.append(row)
    probabilities = np.frombuffer(b"".join(page.probabilities[row] for row in rows), "<f4")
    probabilities = probabilities.reshape(len(rows), len(classes))
    is_usable = np.isfinite(probabilities).all(axis=1)
    if not is_usable.all():
        skipped["probabilities that are no numbers"] += int((~is_usable).sum())
        rows = [row for row, usable in zip(rows, is_usable.tolist(), strict=True) if usable]
        probabilities = probabilities[is_usable]
    embedding_values = np.frombuffer(b"".join(page.embeddings[row] for row in rows), "<f2")
    embedding_values = embedding_values.reshape(len(rows), dimensions).astype(np.float32)
    labels = [page.labels[row] for row in rows]
    numbers = [None if label is None else classes.get(label) for label in labels]
    strange = sum(
        label is not None and number is None for label, number in zip(labels, numbers, strict=True)
    )
    sample = Sample(
        ids=[page.ids[row] for row in rows],
        probabilities=probabilities.astype(np.float32, copy=False),
        embedding=embedding_values,
        ood_score=page.ood_scores[rows],
        statistics={name: page.statistics[name][rows] for name in NUMERIC_STATISTICS},
        mode=[page.modes[row] for row in rows],
        labels=numbers,
    )
    return Logged(sample, rows, skipped, strange)
