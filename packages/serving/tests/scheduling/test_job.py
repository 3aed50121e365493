import logging
import time

from mlopsproj_core.errors import DeadlineError, ServingError
from mlopsproj_serving.scheduling.job import Job, failure, refusal


def make_job(finished=lambda job, outcome: None, seconds=60.0):
    return Job(b"image", time.monotonic() + seconds, finished)


def test_a_job_that_has_time_is_begun():
    assert refusal(make_job(), time.monotonic()) is None


def test_a_job_past_its_deadline_is_refused_and_told_how_long_it_waited():
    job = make_job(seconds=1)
    error = refusal(job, job.entered + 2.5)
    assert isinstance(error, DeadlineError)
    assert "2.5 s" in str(error)


def test_an_abandoned_job_is_refused_and_holds_no_image():
    job = make_job()
    job.abandon()
    assert isinstance(refusal(job, time.monotonic()), DeadlineError)
    assert job.image == b""


def test_who_waits_and_raises_harms_nobody_and_is_logged(caplog):
    def raises(job, outcome):
        raise RuntimeError("who waits is wrong")

    with caplog.at_level(logging.ERROR):
        make_job(raises).finish(ServingError("out"))
    assert "who waits is wrong" in caplog.text


def test_a_failure_is_told_without_its_details_which_are_logged(caplog):
    with caplog.at_level(logging.ERROR):
        error = failure(ValueError("secret detail"))
    assert isinstance(error, ServingError)
    assert "secret detail" not in str(error)
    assert "secret detail" in caplog.text
