import gc
import threading
import time
import weakref

from mlopsproj_serving.scheduling.job import Job
from mlopsproj_serving.scheduling.job_threads import JobThreads


def make_job(name=b"image"):
    return Job(name, time.monotonic() + 60, lambda job, outcome: None)


def test_jobs_are_given_in_order_of_arrival():
    seen = []
    threads = JobThreads(lambda job: seen.append(job.image), 1)
    for number in range(100):
        threads.submit(make_job(b"%d" % number))
    threads.close()
    assert seen == [b"%d" % number for number in range(100)]


def test_as_many_at_once_as_there_are_threads():
    meeting = threading.Barrier(3, timeout=30)

    def compute(job):
        meeting.wait()

    threads = JobThreads(compute, 3)
    for _ in range(3):
        threads.submit(make_job())
    threads.close()
    assert not meeting.broken


def test_closing_finishes_what_was_submitted_even_where_one_takes_what_ends_another():
    seen = []
    begin = threading.Event()

    def compute(job):
        begin.wait(30)
        while job is not None:
            seen.append(job)
            job = threads.another()

    threads = JobThreads(compute, 4)
    jobs = [make_job() for _ in range(50)]
    for job in jobs:
        threads.submit(job)
    closing = threading.Thread(target=threads.close)
    closing.start()
    begin.set()
    closing.join(30)
    assert not closing.is_alive()
    assert len(seen) == 50
    assert set(map(id, seen)) == set(map(id, jobs))


def test_closing_twice_is_closing():
    threads = JobThreads(lambda job: None, 2)
    threads.close()
    threads.close()


def test_what_is_returned_is_computed_next_by_the_same_thread():
    seen = []

    def compute(job):
        seen.append((threading.current_thread().name, job.image))
        return make_job(b"returned") if job.image == b"first" else None

    threads = JobThreads(compute, 2)
    threads.submit(make_job(b"first"))
    threads.close()
    (one, first), (other, returned) = seen
    assert one == other
    assert (first, returned) == (b"first", b"returned")


def test_once_closed_nothing_holds_what_computed():
    class Model:
        def __init__(self):
            self.threads = JobThreads(self.compute, 2)

        def compute(self, job):
            return None

    model = Model()
    model.threads.submit(make_job())
    model.threads.close()
    gone = weakref.ref(model)
    gc.disable()
    try:
        del model
        assert gone() is None
    finally:
        gc.enable()
