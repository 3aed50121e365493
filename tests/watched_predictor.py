"""A real predictor whose inference a test can hold up or break, and jobs to hand to schedulers."""

import threading
import time
from queue import SimpleQueue

import numpy as np
from mlopsproj_core.predictor import Predictor
from mlopsproj_serving.scheduling.job import Job


class WatchedPredictor:
    """Computes with a real one, keeps what sizes it was run with, and waits while it is held."""

    def __init__(self, bundle, breaks=lambda images: False):
        self._real = Predictor(bundle, threads=1)
        self._breaks = breaks
        self._open = threading.Event()
        self._open.set()
        self.entered = threading.Semaphore(0)
        self.sizes = []

    @property
    def manifest(self):
        return self._real.manifest

    @property
    def bundle(self):
        return self._real.bundle

    def hold(self):
        self._open.clear()

    def release(self):
        self._open.set()

    def run(self, images):
        self.sizes.append(len(images))
        self.entered.release()
        assert self._open.wait(60)
        if self._breaks(images):
            raise RuntimeError("the graph breaks on purpose")
        return self._real.run(images)


class Jobs:
    """Hands images to a scheduler and collects what comes out, by image."""

    def __init__(self, scheduler):
        self._scheduler = scheduler
        self._outcomes = SimpleQueue()
        self._submitted = 0

    def submit(self, image, seconds=60.0):
        job = Job(image, time.monotonic() + seconds, self._finished)
        self._submitted += 1
        self._scheduler.submit(job)
        return job

    def _finished(self, job, outcome):
        self._outcomes.put((job, outcome))

    def outcomes(self):
        """Of every job, exactly one; in the order in which they came."""
        found = [self._outcomes.get(timeout=60) for _ in range(self._submitted)]
        assert len({id(job) for job, _ in found}) == self._submitted
        assert self._outcomes.empty()
        self._submitted = 0
        return found

    def by_job(self):
        return {id(job): outcome for job, outcome in self.outcomes()}


def assert_same(computed, predicted):
    """What a scheduler gave is what the predictor says of the same image."""
    np.testing.assert_allclose(computed.probabilities, predicted.probabilities, rtol=1e-5)
    np.testing.assert_allclose(computed.embedding, predicted.embedding, rtol=1e-5)
    assert abs(computed.ood_score - predicted.ood_score) < 1e-5
    assert computed.statistics == predicted.statistics
