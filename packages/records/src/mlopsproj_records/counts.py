"""What has happened since the start, in numbers. Knows nothing of why."""

import threading


class Counts:
    """Counters that any thread adds to.

    Attributes:
        appended: records that became durable in the spool.
        direct: records that became durable in the database only, since the spool could not be
            written.
        refused: records that became durable nowhere.
        moved: records taken from the spool into the database.
        rejected: records that the database will never take; they are in the quarantine.
        damaged: places where the spool's files were not what was written.
        images_stored: images kept in the image store.
        images_left_out: images that were chosen, and for which the spool had no space.
        images_failed: images found in the spool that can be kept nowhere.
        expired: predictions that the retention has deleted.
    """

    def __init__(self) -> None:
        self.appended = 0
        self.direct = 0
        self.refused = 0
        self.moved = 0
        self.rejected = 0
        self.damaged = 0
        self.images_stored = 0
        self.images_left_out = 0
        self.images_failed = 0
        self.expired = 0
        self._adding = threading.Lock()

    def add(self, **by: int) -> None:
        """Count, e.g. `moved=3`."""
        with self._adding:
            for name, amount in by.items():
                setattr(self, name, getattr(self, name) + amount)
