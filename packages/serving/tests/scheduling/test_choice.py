import logging
import os
import sys
import threading
import time

import pytest
from mlopsproj_core.bundle import PROBE
from mlopsproj_core.errors import BundleCorruptError
from mlopsproj_core.predictor import Predictor
from mlopsproj_serving.config import Limits, SchedulingConfig
from mlopsproj_serving.scheduling import choice
from mlopsproj_serving.scheduling.choice import make_scheduler, measure
from mlopsproj_serving.scheduling.dynamic_batches import DynamicBatches
from mlopsproj_serving.scheduling.job import Computed
from mlopsproj_serving.scheduling.memory import Memory
from mlopsproj_serving.scheduling.single_jobs import SingleJobs
from small_bundle import make_small_bundle
from watched_predictor import Jobs

LIMITS = Limits()
AUTO = SchedulingConfig(strategy="auto", threads=2)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return make_small_bundle(tmp_path_factory.mktemp("choice") / "bundle")


@pytest.fixture(autouse=True)
def short(monkeypatch):
    monkeypatch.setattr(choice, "MEASURING_SECONDS", 0.4)
    monkeypatch.setattr(choice, "_CPU_SHARE", 0)  # most predictors here cost time, and no CPU


class CostlyPredictor:
    """Computes with a real one; each call and each image cost so much beside."""

    def __init__(self, bundle, call_seconds=0.0, image_seconds=0.0):
        self._real = Predictor(bundle, threads=1)
        self._call, self._image = call_seconds, image_seconds
        self.calls = 0
        self.bundle, self.manifest = bundle, bundle.manifest

    def run(self, images):
        self.calls += 1
        time.sleep(self._call + self._image * len(images))
        return self._real.run(images)


class Broken(CostlyPredictor):
    def run(self, images):
        raise RuntimeError("broken on purpose")


def threads():
    return {thread for thread in threading.enumerate() if thread.name.startswith("predict-")}


def test_batches_win_where_a_call_costs_more_than_an_image(bundle):
    measured = measure(CostlyPredictor(bundle, call_seconds=0.01), AUTO, LIMITS)
    assert measured.strategy == "batches"
    rates = measured.images_per_second
    assert rates["batches"] > rates["single"] > 0


def test_single_jobs_win_where_a_batch_saves_nothing(bundle):
    predictor = CostlyPredictor(bundle, image_seconds=0.01)
    assert measure(predictor, AUTO, LIMITS).strategy == "single"


def test_a_model_too_slow_to_tell_is_computed_one_by_one(bundle, monkeypatch):
    monkeypatch.setattr(choice, "MEASURING_SECONDS", 0.2)
    monkeypatch.setattr(choice, "_ROUND_SECONDS", (0.05, 0.1))
    measured = measure(CostlyPredictor(bundle, image_seconds=0.3), AUTO, LIMITS)
    assert measured.strategy == "single"


@pytest.mark.parametrize(
    ("single", "batches", "faster"),
    [
        ([100, 100, 99, 98, 101], [150, 149, 151, 20, 25], "batches"),
        ([100, 20, 101, 30, 99], [100, 101, 99, 98, 102], "single"),
        ([100, 100, 100, 100, 100], [109, 109, 109, 109, 109], "single"),
    ],
)
def test_rounds_in_which_the_machine_did_something_else_do_not_decide(
    bundle, monkeypatch, single, batches, faster
):
    rates = {SingleJobs: single.copy(), DynamicBatches: batches.copy()}
    monkeypatch.setattr(choice, "MEASURING_SECONDS", 1.0)
    monkeypatch.setattr(choice, "_ROUND_SECONDS", (0.1, 0.1))
    monkeypatch.setattr(
        choice, "_images_per_second", lambda scheduler, *rest: rates[type(scheduler)].pop(0)
    )
    assert measure(CostlyPredictor(bundle), AUTO, LIMITS).strategy == faster
    assert rates == {SingleJobs: [], DynamicBatches: []}


def test_no_thread_of_a_measurement_stays(bundle):
    before = threads()
    measure(CostlyPredictor(bundle), AUTO, LIMITS)
    assert threads() == before
    with pytest.raises(BundleCorruptError, match="probe"):
        measure(Broken(bundle), AUTO, LIMITS)
    assert threads() == before


@pytest.mark.parametrize(
    ("strategy", "kind"), [("single", SingleJobs), ("batches", DynamicBatches)]
)
def test_a_strategy_that_is_asked_for_is_not_measured(bundle, strategy, kind, monkeypatch, image):
    monkeypatch.setattr(choice, "measure", None)
    config = SchedulingConfig(strategy=strategy, threads=1)
    scheduler, chosen = make_scheduler(Predictor(bundle, threads=1), config, LIMITS)
    try:
        assert isinstance(scheduler, kind)
        assert chosen == strategy
        jobs = Jobs(scheduler)
        jobs.submit(image())
        ((_, outcome),) = jobs.outcomes()
        assert isinstance(outcome, Computed)
    finally:
        scheduler.close()


@pytest.mark.parametrize("beside", [None, "single"])
def test_what_was_measured_is_remembered_and_costs_no_inference_again(
    bundle, tmp_path, beside, caplog
):
    first = CostlyPredictor(bundle, call_seconds=0.01)
    with caplog.at_level(logging.INFO):
        scheduler, strategy = make_scheduler(
            first, AUTO, LIMITS, memory=Memory(tmp_path), beside=beside
        )
    scheduler.close()
    assert isinstance(scheduler, DynamicBatches)
    assert strategy == "batches"
    assert "images/s" in caplog.text
    again = CostlyPredictor(bundle)
    scheduler, strategy = make_scheduler(again, AUTO, LIMITS, memory=Memory(tmp_path))
    scheduler.close()
    assert strategy == "batches"
    assert again.calls == 0


@pytest.mark.parametrize("beside", [None, "single", "batches"])
@pytest.mark.parametrize("remembers", [False, True])
@pytest.mark.skipif(not hasattr(time, "pthread_getcpuclockid"), reason="knows no threads' CPU")
def test_without_the_cpu_nothing_is_remembered_and_what_was_before_goes_on(
    bundle, tmp_path, beside, remembers, monkeypatch
):
    monkeypatch.setattr(choice, "_CPU_SHARE", 0.9)
    starved = CostlyPredictor(bundle, call_seconds=0.01)  # as if others were computing meanwhile
    memory = Memory(tmp_path) if remembers else None
    scheduler, strategy = make_scheduler(starved, AUTO, LIMITS, memory=memory, beside=beside)
    scheduler.close()
    assert strategy == (beside or "batches")
    assert list(tmp_path.glob("*.json")) == []  # the next start measures


def test_a_remembered_strategy_that_there_is_no_more_is_measured_again(bundle, tmp_path):
    scheduler, _ = make_scheduler(CostlyPredictor(bundle), AUTO, LIMITS, memory=Memory(tmp_path))
    scheduler.close()
    (path,) = tmp_path.glob("*.json")
    path.write_text('{"strategy": "pipelined"}')
    predictor = CostlyPredictor(bundle, call_seconds=0.01)
    scheduler, strategy = make_scheduler(predictor, AUTO, LIMITS, memory=Memory(tmp_path))
    scheduler.close()
    assert strategy == "batches"
    assert predictor.calls > 0


def test_starts_at_the_same_time_measure_once(bundle, tmp_path):
    predictors = [CostlyPredictor(bundle, call_seconds=0.01) for _ in range(4)]
    strategies = []

    def start(predictor):
        scheduler, strategy = make_scheduler(predictor, AUTO, LIMITS, memory=Memory(tmp_path))
        scheduler.close()
        strategies.append(strategy)

    starting = [threading.Thread(target=start, args=(each,)) for each in predictors]
    for thread in starting:
        thread.start()
    for thread in starting:
        thread.join()
    assert strategies == ["batches"] * 4
    assert sum(predictor.calls > 0 for predictor in predictors) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="threads have no niceness there")
def test_a_quiet_measurement_leaves_threads_that_answer_at_their_priority(bundle, image):
    priorities = []

    class Watching(CostlyPredictor):
        def run(self, images):
            priorities.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))
            return super().run(images)

    here = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    scheduler, _ = make_scheduler(Watching(bundle), AUTO, LIMITS, beside="single")
    measured_at = set(priorities)
    priorities.clear()
    jobs = Jobs(scheduler)
    jobs.submit(image())
    jobs.outcomes()
    scheduler.close()
    assert set(priorities) == {here}
    assert min(measured_at) > here


def test_every_image_of_the_probe_is_measured(bundle, monkeypatch):
    seen = set()
    real = choice._images_per_second

    def watched(scheduler, images, at_once, seconds):
        seen.update(images)
        return real(scheduler, images, at_once, seconds)

    monkeypatch.setattr(choice, "_images_per_second", watched)
    measure(CostlyPredictor(bundle), AUTO, LIMITS)
    folder = (bundle.path / PROBE).parent
    assert seen == {path.read_bytes() for path in folder.iterdir() if path.suffix != ".npz"}
