"""How much more memory processes take at most while something happens."""

import contextlib
import threading
from typing import Self

import psutil
from serving.server import Api

_PERIOD_SECONDS = 0.01


class MemoryWatch:
    """Samples the resident memory of all processes of an `Api`.

    Attributes:
        grown_bytes: most of all samples, above the first.
    """

    def __init__(self, api: Api) -> None:
        self.grown_bytes = 0
        self._processes = api.processes()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self) -> Self:
        self._first = self._rss_bytes()
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._stop.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._stop.wait(_PERIOD_SECONDS):
            self.grown_bytes = max(self.grown_bytes, self._rss_bytes() - self._first)

    def _rss_bytes(self) -> int:
        total = 0
        for process in self._processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                total += process.memory_info().rss
        return total
