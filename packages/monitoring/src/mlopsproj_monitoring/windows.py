"""Windows of the prediction log, read in one pass: the last one, or all of them, sliding.

Holds a page and the sums of a window in memory, however many predictions there are. Knows nothing
of what is made of them.
"""

from bisect import bisect_left
from collections import deque
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
from mlopsproj_core.errors import DataError
from mlopsproj_records.database import Database
from mlopsproj_records.pages import PredictionPage

from mlopsproj_monitoring.check import DriftDetector
from mlopsproj_monitoring.logged import logged
from mlopsproj_monitoring.sample import Sample
from mlopsproj_monitoring.window import Window
from mlopsproj_monitoring.window_config import WindowConfig


def read_window(
    database: Database,
    detector: DriftDetector,
    version: int,
    config: WindowConfig | None = None,
    *,
    until: datetime | None = None,
) -> Window:
    """The last predictions of a version, by count or time; fewer where there are not so many.

    Args:
        database: of the log.
        detector: of the version's reference.
        version: of the model.
        config: of the window; the last 1,000 images if it is None. Its step does not count.
        until: before which they were made; None for all, or for hours until now.

    Raises:
        DataError: if none of the predictions is of the model that the reference is of.
        DatabaseAwayError: if the database cannot be reached.
        MigrationError: if its schema is not this release's.
    """
    config = config or WindowConfig()
    since = None
    if config.images is None:
        until = until or datetime.now(UTC)
        since = until - timedelta(hours=config.size)
    pages = database.pages(
        model=detector.reference.model,
        version=version,
        since=since,
        until=until,
        newest=config.images,
    )
    window = Window(detector.accumulator())
    for page in pages:
        window.add(*_read(page, detector, window))
    _refuse_strangers(window, detector, version)
    return window


def read_windows(
    database: Database,
    detector: DriftDetector,
    version: int,
    config: WindowConfig | None = None,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Iterator[Window]:
    """All whole windows of a version, the first one first, each a step later than the one before.

    Args:
        database: of the log.
        detector: of the version's reference.
        version: of the model.
        config: of the windows; 1,000 images each if it is None.
        since: the first prediction's earliest time; windows of hours start here, else with it.
        until: before which the predictions were made.

    Yields:
        Windows; of hours, those in which there is a prediction that can be used. None at all
        where every prediction is another model's.

    Raises:
        DatabaseAwayError: if the database cannot be reached.
        MigrationError: if its schema is not this release's.
    """
    config = config or WindowConfig()
    pages = database.pages(
        model=detector.reference.model, version=version, since=since, until=until
    )
    step = config.step or config.size
    if config.images is None:
        end = until or datetime.now(UTC)
        hours = timedelta(hours=step)
        yield from _by_time(pages, detector, config.steps, hours, since=since, until=end)
    else:
        yield from _by_count(pages, detector, config.steps, int(step))


def _by_count(
    pages: Iterator[PredictionPage], detector: DriftDetector, steps: int, step: int
) -> Iterator[Window]:
    parts: deque[Window] = deque(maxlen=steps)
    part = Window(detector.accumulator())
    for page in pages:
        sample, times = _read(page, detector, part)
        start = 0
        while start < len(sample):
            end = min(len(sample), start + step - len(part))
            part.add(sample.take(np.arange(start, end)), times[start:end])
            start = end
            if len(part) == step:
                parts.append(part)
                part = Window(detector.accumulator())
                if len(parts) == steps:
                    yield _joined(parts, detector)


def _by_time(
    pages: Iterator[PredictionPage],
    detector: DriftDetector,
    steps: int,
    step: timedelta,
    *,
    since: datetime | None,
    until: datetime,
) -> Iterator[Window]:
    parts: deque[Window] = deque(maxlen=steps)
    part = Window(detector.accumulator())
    end = None if since is None else since + step
    for page in pages:
        sample, times = _read(page, detector, part)
        start = 0
        while start < len(sample):
            if end is None:
                end = times[start] + step
            while times[start] >= end:
                parts.append(part)
                part = Window(detector.accumulator())
                if _is_told(parts):
                    yield _joined(parts, detector)
                elif not any(parts):  # nothing for longer than a window
                    idle = (times[start] - end) // step
                    parts.extend(Window(detector.accumulator()) for _ in range(min(idle, steps)))
                    end += idle * step
                end += step
            stop = bisect_left(times, end, start)
            part.add(sample.take(np.arange(start, stop)), times[start:stop])
            start = stop
    while end is not None and end <= until:
        parts.append(part)
        part = Window(detector.accumulator())
        if _is_told(parts):
            yield _joined(parts, detector)
        elif not any(parts):
            return
        end += step


def _is_told(parts: deque[Window]) -> bool:
    """Whether they are a whole window, in which there is a prediction."""
    return len(parts) == parts.maxlen and any(parts)


def _read(
    page: PredictionPage, detector: DriftDetector, window: Window
) -> tuple[Sample, Sequence[datetime]]:
    """What can be used of a page, and its times; what cannot is counted in the window."""
    found = logged(page, detector.class_numbers, detector.features.embedding.dimensions)
    window.skipped.update(found.skipped)
    window.strange_labels += found.strange_labels
    return found.sample, [page.times[row] for row in found.rows]


def _joined(parts: Sequence[Window], detector: DriftDetector) -> Window:
    window = Window(detector.accumulator())
    for part in parts:
        window.merge(part)
    return window


def _refuse_strangers(window: Window, detector: DriftDetector, version: int) -> None:
    if len(window) or not window.skipped:
        return
    model = detector.reference.model
    ((reason, _),) = window.skipped.most_common(1)
    raise DataError(
        f"None of the {window.skipped.total():,} predictions of {model}:{version} in the log fits"
        f" the reference ({reason}): they were answered by another model of that name and version;"
        " give the log of this registry's service."
    )
