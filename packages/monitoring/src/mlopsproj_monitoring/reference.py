"""What a model did on images that it was neither trained nor chosen on: what windows are held to.

Read from a bundle. Knows nothing of detectors.
"""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from mlopsproj_core.bundle import REFERENCE, Bundle
from mlopsproj_core.errors import BundleCorruptError
from mlopsproj_evaluation.reference import read_reference
from mlopsproj_evaluation.tables import corrupt, matrix

from mlopsproj_monitoring.sample import NUMERIC_STATISTICS, Sample

MINIMUM_ROWS: Final = 50
"""Fewer say nothing about what is usual."""


@dataclass(frozen=True, eq=False)
class Reference:
    """The reference of one version of a model.

    Attributes:
        model: its name.
        classes: names of the K classes, in the order of the probabilities.
        sample: at most 5,000 held-out images, all of them with their labels.
    """

    model: str
    classes: tuple[str, ...]
    sample: Sample

    @classmethod
    def read(cls, bundle: Bundle) -> Self:
        """Of a bundle, whatever its network, classes and embedding.

        Raises:
            BundleCorruptError: if the reference is missing, is something else, does not fit the
                manifest, or holds too few images.
        """
        path = bundle.path / REFERENCE
        classes = bundle.manifest.classes
        table = read_reference(path)
        if len(table) < MINIMUM_ROWS:
            raise BundleCorruptError(
                f"{path} holds {len(table)} images; at least {MINIMUM_ROWS} are needed to know what"
                " is usual: train with a larger test set."
            )
        probabilities = matrix(table["probabilities"])
        if probabilities.shape[1] != len(classes):
            raise corrupt(
                path,
                "reference of this bundle",
                f"it has {probabilities.shape[1]} probabilities for each image, the manifest"
                f" {len(classes)} classes",
            )
        labels = table["label"].to_numpy()
        if labels.min() < 0 or labels.max() >= len(classes):
            raise corrupt(
                path,
                "reference of this bundle",
                f"its labels run from {labels.min()} to {labels.max()}, the manifest has"
                f" {len(classes)} classes",
            )
        return cls(
            model=bundle.manifest.name,
            classes=classes,
            sample=Sample(
                ids=table["id"].to_pylist(),
                probabilities=probabilities,
                embedding=matrix(table["embedding"]),
                ood_score=table["ood_score"].to_numpy().astype(np.float64),
                statistics={
                    name: table[name].to_numpy().astype(np.float64) for name in NUMERIC_STATISTICS
                },
                mode=table["mode"].to_pylist(),
                labels=labels.tolist(),
            ),
        )

    def __len__(self) -> int:
        return len(self.sample)

    @property
    def accuracy(self) -> float:
        """Share of the images whose most probable class is the true one."""
        predicted = self.sample.probabilities.argmax(axis=1)
        return float((predicted == np.asarray(self.sample.labels)).mean())
