"""Takes frames out of a track: each batch is handed on, and only then counts as moved.

What is damaged, and what the taker refuses for ever, goes to the quarantine. Knows nothing of who
takes the frames.
"""

import logging
from collections.abc import Callable, Iterator, Sequence

from mlopsproj_records.counts import Counts
from mlopsproj_records.frames import Frame, Scan, frame, scan
from mlopsproj_records.lane import Lane, Segment, Track
from mlopsproj_records.spool import QUARANTINE, Spool

logger = logging.getLogger(__name__)

Take = Callable[[Sequence[bytes]], Sequence[bytes]]
"""Keeps payloads elsewhere, durably, each once however often it is given; returns those that it
will never take. What it raises means that the same payloads are given again."""


class Draining:
    """Drains one track of the lanes of a spool, as one thread does."""

    def __init__(
        self,
        spool: Spool,
        counts: Counts,
        *,
        frames: int,
        size_bytes: int,
        check: Callable[[], None],
        moved: Callable[[int, int], None] | None = None,
    ) -> None:
        """Drain nothing yet.

        Args:
            spool: that is drained.
            counts: told of what is damaged or lost.
            frames: at most, in a batch.
            size_bytes: from which a batch is not made larger.
            check: called before each batch; what it raises ends the draining.
            moved: told after each batch how many were taken, and how many refused.
        """
        self._spool, self._counts = spool, counts
        self._frames, self._size_bytes = frames, size_bytes
        self._check, self._moved = check, moved

    def drain(self, lane: Lane, track: Track, take: Take) -> None:
        """Hand on what waits in a track, and remove the segments that are done with.

        A segment that cannot be read is passed over.

        Raises:
            OSError: if one could not be read, after all others; or if nothing can be quarantined.
            Exception: what `take` and `check` raise.
        """
        unreadable: OSError | None = None
        for segment in track.unmoved():
            end = segment.end  # its writer may go on
            try:
                data = _read(segment, end)
            except FileNotFoundError:
                self._lost(segment)
                continue
            except OSError as error:
                unreadable = error
                continue
            self._move(lane, segment, data, end, take)
            track.remove_moved()
        track.remove_moved()
        if unreadable:
            raise unreadable

    def _move(self, lane: Lane, segment: Segment, data: bytes, end: int, take: Take) -> None:
        start = segment.moved
        found = scan(data, segment.name.marker)
        segment.frames = max(segment.frames, segment.frames_moved + len(found.frames))
        damaged = _damaged(found, len(data), is_own=lane.is_own)
        for batch in self._batches(found.frames):
            self._check()
            refused = take([item.payload for item in batch])
            if refused:
                frames = b"".join(frame(segment.name.marker, payload) for payload in refused)
                self._spool.quarantine(segment, frames)
            until = batch[-1].end
            self._put_aside(segment, data, start, [d for d in damaged if d[1] <= until])
            damaged = [d for d in damaged if d[1] > until]
            segment.frames_moved += len(batch)
            segment.moved = start + until
            if self._moved:
                self._moved(len(batch) - len(refused), len(refused))
        self._put_aside(segment, data, start, damaged)
        if start + len(data) < end:
            self._counts.add(damaged=1)
            logger.error("%s was cut short by somebody before it was moved.", segment.path)
        segment.moved = end
        if segment.moved >= segment.end and segment.sealed:
            segment.frames_moved = segment.frames

    def _batches(self, frames: Sequence[Frame]) -> Iterator[list[Frame]]:
        batch: list[Frame] = []
        size = 0
        for item in frames:
            batch.append(item)
            size += len(item.payload)
            if len(batch) >= self._frames or size >= self._size_bytes:
                yield batch
                batch, size = [], 0
        if batch:
            yield batch

    def _put_aside(
        self, segment: Segment, data: bytes, start: int, damaged: Sequence[tuple[int, int]]
    ) -> None:
        for begin, end in damaged:
            self._spool.quarantine(segment, data[begin:end], damaged_at=start + begin)
            self._counts.add(damaged=1)
            logger.error(
                "%d bytes of %s, from byte %d, are damaged: they lie in %s now, and the records in"
                " them are lost. See to the disk.",
                end - begin,
                segment.path,
                start + begin,
                self._spool.folder / QUARANTINE,
            )

    def _lost(self, segment: Segment) -> None:
        segment.moved, segment.frames_moved, segment.lost = segment.end, segment.frames, True
        self._counts.add(damaged=1)
        logger.error("%s was removed by somebody before it was moved.", segment.path)


def _read(segment: Segment, end: int) -> bytes:
    with segment.path.open("rb") as file:
        file.seek(segment.moved)
        return file.read(end - segment.moved)


def _damaged(found: Scan, size: int, *, is_own: bool) -> list[tuple[int, int]]:
    # What this process has written is whole, and so is what it may read of it.
    torn = [(size - found.torn_bytes, size)] if is_own and found.torn_bytes else []
    return [*found.damaged, *torn]
