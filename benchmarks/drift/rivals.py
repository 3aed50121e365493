"""What a user would pick instead: the largest probability alone, and Evidently's preset.

Both see the same images. Knows nothing of how windows are drawn.
"""

import warnings
from typing import Final

import pandas as pd
from mlopsproj_monitoring import Sample
from scipy.stats import ks_2samp

_SHOWN: Final = ("brightness", "contrast", "sharpness", "saturation")


class LargestProbability:
    """A Kolmogorov-Smirnov test of the largest probability, the usual baseline."""

    name = "max-softmax"

    def __init__(self, reference: Sample, alpha: float) -> None:
        """Against a reference, at one level."""
        self._reference = reference.probabilities.max(axis=1)
        self._alpha = alpha

    def alarms(self, window: Sample) -> bool:
        """Whether it says drift."""
        found = ks_2samp(self._reference, window.probabilities.max(axis=1))
        return bool(found.pvalue <= self._alpha)


class EvidentlyPreset:
    """Evidently's DataDriftPreset as it comes, on the image statistics of the same images.

    It chooses a test for each column by the number of rows, and says drift where at least half of
    the columns drifted; `any_column` is what says so of one column or more.
    """

    name = "Evidently"

    def __init__(self, reference: Sample) -> None:
        """Against a reference."""
        from evidently import DataDefinition, Dataset  # noqa: PLC0415 (takes seconds)

        self._dataset = Dataset
        self._definition = DataDefinition(numerical_columns=list(_SHOWN))
        self._reference = self._of(reference)

    def alarms(self, window: Sample) -> tuple[bool, bool]:
        """Whether the preset says drift, and whether any of its columns does."""
        from evidently import Report  # noqa: PLC0415 (takes seconds)
        from evidently.presets import DataDriftPreset  # noqa: PLC0415 (takes seconds)

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            report = Report([DataDriftPreset()])
            snapshot = report.run(self._of(window), self._reference)
        for metric in snapshot.dict()["metrics"]:
            value = metric["value"]
            if isinstance(value, dict) and {"count", "share"} <= value.keys():
                return value["share"] >= 0.5, value["count"] > 0  # noqa: PLR2004 (its default)
        raise AssertionError("the preset counts drifted columns")

    def _of(self, sample: Sample) -> object:
        frame = pd.DataFrame({name: sample.statistics[name] for name in _SHOWN})
        return self._dataset.from_pandas(frame, data_definition=self._definition)
