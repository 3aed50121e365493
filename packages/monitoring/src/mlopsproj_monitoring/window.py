"""A window: what is kept of some predictions of the log, in memory that does not grow with them.

Parts of a window add up to it. Knows nothing of databases and tests.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, Self

from mlopsproj_monitoring.row_sampling import RowSampling
from mlopsproj_monitoring.sample import Sample
from mlopsproj_monitoring.sums import WindowSums

CLOCK_TOLERANCE: Final = timedelta(seconds=60)
"""Clocks of several machines differ by less."""


class Window:
    """Some predictions of one version.

    Attributes:
        sums: all that a check needs.
        since: time of the first; None if there is none.
        until: time of the last.
        skipped: predictions that are left out, by reason.
        strange_labels: feedback with labels that are no class of the model; it is left out.
        backwards: predictions whose ids were made later than they say.
        future: predictions of a time that has not come yet.
    """

    def __init__(self, sums: WindowSums) -> None:
        """Of no prediction.

        Args:
            sums: of no image.
        """
        self.sums = sums
        self.since: datetime | None = None
        self.until: datetime | None = None
        self.skipped: Counter[str] = Counter()
        self.strange_labels = 0
        self.backwards = 0
        self.future = 0
        self._rows = RowSampling()

    def __len__(self) -> int:
        return len(self.sums)

    @property
    def images(self) -> int:
        """How many there are."""
        return len(self.sums)

    @property
    def rows(self) -> Sample | None:
        """At most 5,000 of them, each as likely as any other; None if there is none."""
        return self._rows.rows()

    def add(self, sample: Sample, times: Sequence[datetime]) -> None:
        """Some more predictions.

        Args:
            sample: of them.
            times: of them, in any order.
        """
        if not len(sample):
            return
        self.sums.add(sample)
        self._rows.add(sample)
        self._cover(min(times), max(times))
        latest = datetime.now(UTC) + CLOCK_TOLERANCE
        if max(times) > latest:
            self.future += sum(time > latest for time in times)
        self.backwards += sum(
            _made(id_) - time.timestamp() > CLOCK_TOLERANCE.total_seconds()
            for id_, time in zip(sample.ids, times, strict=True)
        )

    def merge(self, other: Self) -> None:
        """The predictions of another part."""
        self.sums.merge(other.sums)
        self._rows.merge(other._rows)
        self.skipped += other.skipped
        self.strange_labels += other.strange_labels
        self.backwards += other.backwards
        self.future += other.future
        if other.since is not None and other.until is not None:
            self._cover(other.since, other.until)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know about it."""
        notes = [
            f"{count:,} predictions are left out: they have {reason}, so they were answered by"
            " another model"
            if "instead" in reason
            else f"{count:,} predictions are left out: {reason}"
            for reason, count in self.skipped.most_common()
        ]
        if self.strange_labels:
            notes.append(
                f"{self.strange_labels:,} labels are left out: they are no class of the model"
            )
        if self.backwards:
            notes.append(
                f"{self.backwards:,} predictions have a time before that of their id: a clock went"
                " backwards, or they were imported; they count at the time that they say"
            )
        if self.future:
            notes.append(
                f"{self.future:,} predictions have a time in the future: a clock of the service is"
                " ahead, or was"
            )
        return tuple(notes)

    def _cover(self, since: datetime, until: datetime) -> None:
        self.since = since if self.since is None else min(self.since, since)
        self.until = until if self.until is None else max(self.until, until)


def _made(id_: str) -> float:
    """Seconds since 1970 at which a uuid7 was made; 0 for other ids."""
    try:
        return int(id_[:8] + id_[9:13], 16) / 1000 if id_[8:9] == "-" and id_[14:15] == "7" else 0.0
    except ValueError:
        return 0.0
