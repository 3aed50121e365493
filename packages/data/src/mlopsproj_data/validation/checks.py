"""What is wrong with a source, from what is known of each of its records.

Reads no image. Each check is made on what the errors before it leave over, so that one cause is
told once.
"""

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from mlopsproj_data.records import LabelledSource
from mlopsproj_data.splits import SPLITS
from mlopsproj_data.validation import appearance, classes, copies, files, near_copies
from mlopsproj_data.validation.columns import Columns
from mlopsproj_data.validation.findings import Finding, Report, Severity

UNUSABLE = "unusable"


def check(source: LabelledSource, examined: pa.Table) -> Report:
    """Check a source.

    Args:
        source: where the records come from.
        examined: one row for each record, as `examination.EXAMINED` says, in their order.
    """
    columns = Columns.of(examined)
    findings = [*files.source_issues(source), *files.unusable_files(columns)]
    findings += copies.two_labels(columns, source)
    kept = columns.without(_dropped(findings))
    findings += classes.empty_classes(kept, source)
    findings += classes.untrained_classes(kept, source)
    kept = kept.without(_dropped(findings))
    findings += [
        *classes.too_few_classes(kept, source),
        *classes.empty_splits(kept, source),
        *copies.duplicates(kept),
        *near_copies.near_duplicates(kept, source),
        *copies.groups_across_splits(kept),
        *classes.rare_classes(kept, source),
        *classes.skewed_classes(kept, source),
        *files.wrong_extensions(kept),
        *appearance.extreme_sizes(kept, source),
        *appearance.extreme_aspects(kept, source),
        *appearance.mixed_modes(kept),
        *appearance.constant_images(kept),
    ]
    findings.sort(key=lambda each: each.severity is not Severity.error)
    return Report(source.name, source.description, _counts(columns, source), tuple(findings))


def _dropped(findings: list[Finding]) -> npt.NDArray[np.int64]:
    return np.array([row for each in findings for row in each.dropped], dtype=np.int64)


def _counts(columns: Columns, source: LabelledSource) -> dict[str, dict[str, int]]:
    usable = classes.class_counts(columns, len(source.classes))
    unusable = np.bincount(columns.labels[~columns.kept], minlength=len(source.classes))
    counts: npt.NDArray[np.int64] = np.column_stack([usable, unusable])
    return {
        name: dict(zip((*SPLITS, UNUSABLE), row, strict=True))
        for name, row in zip(source.classes, counts.tolist(), strict=True)
    }
