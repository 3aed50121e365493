"""The threads of a scheduler, and the queue that they take jobs from.

Knows nothing of how a job is computed.
"""

import sys
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Thread

from mlopsproj_serving.scheduling.job import Job


class JobThreads:
    """Give each job, in the order of arrival, to a function on a thread that is free."""

    def __init__(self, compute: Callable[[Job], Job | None], threads: int) -> None:
        """Start the threads.

        Args:
            compute: takes a job, may take `another` beside it, and finishes each of them but for
                the one that it returns, which it gets again; never raises.
            threads: at least 1.
        """
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._threads = [
            # Only the threads hold `compute`, which belongs to whom this belongs to: a circle would
            # keep a large model in memory until the garbage collector happens to come by.
            Thread(target=self._work, args=(compute,), name=f"predict-{number}", daemon=True)
            for number in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, job: Job) -> None:
        """Take a job, and return at once."""
        self._jobs.put(job)

    def another(self) -> Job | None:
        """A job that has arrived; None if none is waiting."""
        try:
            job = self._jobs.get_nowait()
        except Empty:
            return None
        if job is None:
            # It ends a thread, which this one will find again when it asks for its next job.
            self._jobs.put(None)
        return job

    def cpu_seconds(self) -> float | None:
        """CPU that the threads have used; None where the system does not tell."""
        if sys.platform == "win32" or not hasattr(time, "pthread_getcpuclockid"):
            return None
        clocks = [time.pthread_getcpuclockid(thread.ident or 0) for thread in self._threads]
        return sum(time.clock_gettime(clock) for clock in clocks)

    def close(self) -> None:
        """Finish every job that was submitted, and end the threads; blocks meanwhile."""
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            thread.join()

    def _work(self, compute: Callable[[Job], Job | None]) -> None:
        while (job := self._jobs.get()) is not None:
            left: Job | None = job
            while left is not None:
                left = compute(left)
