import random
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlopsproj_core.errors import DeadlineError, ImageError, ServingError
from mlopsproj_core.predictor import Predictor
from mlopsproj_serving.scheduling import dynamic_batches
from mlopsproj_serving.scheduling.dynamic_batches import DynamicBatches
from mlopsproj_serving.scheduling.job import Computed
from small_bundle import make_small_bundle
from watched_predictor import Jobs, WatchedPredictor, assert_same


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return make_small_bundle(tmp_path_factory.mktemp("batches") / "bundle")


@pytest.fixture
def start():
    started = []

    def scheduler(predictor, threads=1, max_batch=16, max_pixels=1_000_000):
        started.append(
            DynamicBatches(predictor, threads=threads, max_batch=max_batch, max_pixels=max_pixels)
        )
        return started[-1]

    yield scheduler
    for each in started:
        each.close()


@pytest.fixture
def patient(monkeypatch):
    """However slow the machine is, a batch goes on taking."""
    monkeypatch.setattr(dynamic_batches, "GATHER_SECONDS", 60.0)


def occupied(predictor, jobs, image):
    """A scheduler whose only thread is held within the inference of a first image."""
    predictor.hold()
    first = jobs.submit(image())
    assert predictor.entered.acquire(timeout=60)
    return first


def test_a_lone_image_waits_for_nobody(bundle, start, image):
    predictor = WatchedPredictor(bundle)
    jobs = Jobs(start(predictor))
    for _ in range(3):
        jobs.submit(image())
        ((_, outcome),) = jobs.outcomes()
        assert outcome.batch_size == 1
    assert predictor.sizes == [1, 1, 1]


def test_what_has_arrived_is_inferred_together_up_to_the_limit(bundle, start, image, patient):
    predictor = WatchedPredictor(bundle)
    jobs = Jobs(start(predictor, max_batch=4))
    occupied(predictor, jobs, image)
    submitted = [jobs.submit(image(level)) for level in (0, 50, 100, 150, 200, 250)]
    predictor.release()
    outcomes = jobs.by_job()
    assert predictor.sizes == [1, 4, 2]
    assert [outcomes[id(job)].batch_size for job in submitted] == [4, 4, 4, 4, 2, 2]


def test_each_image_of_a_batch_gets_its_own_answer(bundle, start, image, patient):
    predictor = WatchedPredictor(bundle)
    jobs = Jobs(start(predictor))
    occupied(predictor, jobs, image)
    images = {level: image(level) for level in range(0, 256, 20)}
    submitted = {level: jobs.submit(each) for level, each in images.items()}
    predictor.release()
    outcomes = jobs.by_job()
    assert predictor.sizes == [1, len(images)]
    for level, prediction in zip(
        images, Predictor(bundle, threads=1).predict(list(images.values())), strict=True
    ):
        computed = outcomes[id(submitted[level])]
        assert_same(computed, prediction)
        assert set(computed.latency_ms) == {"queue", "decode", "infer"}
        assert min(computed.latency_ms.values()) >= 0


def test_bad_late_and_abandoned_images_cost_their_neighbours_nothing(bundle, start, image, patient):
    predictor = WatchedPredictor(bundle)
    jobs = Jobs(start(predictor))
    occupied(predictor, jobs, image)
    good = [jobs.submit(image(10))]
    bad = [jobs.submit(b"no image"), jobs.submit(b"")]
    late = jobs.submit(image(), seconds=0)
    good.append(jobs.submit(image(240)))
    abandoned = jobs.submit(image())
    abandoned.abandon()
    predictor.release()
    outcomes = jobs.by_job()
    assert predictor.sizes == [1, 2]
    assert [outcomes[id(job)].probabilities.argmax() for job in good] == [0, 1]
    assert [outcomes[id(job)].batch_size for job in good] == [2, 2]
    assert all(isinstance(outcomes[id(job)], ImageError) for job in bad)
    assert isinstance(outcomes[id(late)], DeadlineError)
    assert isinstance(outcomes[id(abandoned)], DeadlineError)


def test_a_batch_of_bad_images_is_not_inferred(bundle, start, image, patient):
    predictor = WatchedPredictor(bundle)
    jobs = Jobs(start(predictor))
    first = occupied(predictor, jobs, image)
    for _ in range(3):
        jobs.submit(b"no image")
    predictor.release()
    outcomes = jobs.outcomes()
    assert predictor.sizes == [1]
    assert all(isinstance(outcome, ImageError) for job, outcome in outcomes if job is not first)


def test_a_batch_that_breaks_is_computed_one_by_one_and_one_alone_fails(
    bundle, start, image, patient
):
    predictor = WatchedPredictor(bundle, breaks=lambda images: images.max() > 250)
    jobs = Jobs(start(predictor))
    occupied(predictor, jobs, image)
    good = [jobs.submit(image(level)) for level in (10, 20)]
    breaks = jobs.submit(image(255))
    bad = jobs.submit(b"no image")
    good.append(jobs.submit(image(30)))
    predictor.release()
    outcomes = jobs.by_job()
    assert predictor.sizes == [1, 4, 1, 1, 1, 1]
    assert all(isinstance(outcomes[id(job)], Computed) for job in good)
    assert {outcomes[id(job)].batch_size for job in good} == {1}
    assert isinstance(outcomes[id(breaks)], ServingError)
    assert isinstance(outcomes[id(bad)], ImageError)


def test_a_decoder_that_runs_out_of_memory_fails_one_image(
    bundle, start, image, patient, monkeypatch
):
    real, hungry = dynamic_batches.prepare_images, image(123)

    def prepare_images(sources, spec, *, max_pixels):
        def checked():
            for source in sources:
                if source == hungry:
                    raise MemoryError
                yield source

        return real(checked(), spec, max_pixels=max_pixels)

    monkeypatch.setattr(dynamic_batches, "prepare_images", prepare_images)
    predictor = WatchedPredictor(bundle)
    jobs = Jobs(start(predictor))
    occupied(predictor, jobs, image)
    good = [jobs.submit(image(10))]
    fails = jobs.submit(hungry)
    good.append(jobs.submit(image(30)))
    predictor.release()
    outcomes = jobs.by_job()
    assert isinstance(outcomes[id(fails)], ServingError)
    assert all(isinstance(outcomes[id(job)], Computed) for job in good)


def test_threads_decode_in_parallel_what_has_arrived(bundle, start, image, monkeypatch):
    real, meeting = dynamic_batches.prepare_images, threading.Barrier(2, timeout=60)

    def prepare_images(sources, spec, *, max_pixels):
        def met():
            for source in sources:
                meeting.wait()  # the other thread has an image in hand, too
                yield source

        return real(met(), spec, max_pixels=max_pixels)

    monkeypatch.setattr(dynamic_batches, "prepare_images", prepare_images)
    predictor = WatchedPredictor(bundle)
    jobs = Jobs(start(predictor, threads=2))
    for _ in range(2):
        jobs.submit(image())
    assert all(isinstance(outcome, Computed) for _, outcome in jobs.outcomes())
    assert not meeting.broken


def test_a_batch_that_took_long_to_decode_takes_no_more(bundle, start, image, monkeypatch):
    monkeypatch.setattr(dynamic_batches, "GATHER_SECONDS", 0.0)
    predictor = WatchedPredictor(bundle)
    jobs = Jobs(start(predictor))
    occupied(predictor, jobs, image)
    for _ in range(4):
        jobs.submit(image())
    predictor.release()
    jobs.outcomes()
    assert predictor.sizes == [1, 1, 1, 1, 1]


def test_a_large_image_keeps_no_small_one_waiting(bundle, start, image, patient, monkeypatch):
    large = image(100) + bytes(dynamic_batches.LARGE_BYTES)  # what follows a JPEG is ignored
    predictor = WatchedPredictor(bundle)
    jobs = Jobs(start(predictor))
    first = occupied(predictor, jobs, image)
    small = [jobs.submit(image(50)), jobs.submit(image(60))]
    alone = jobs.submit(large)
    after = [jobs.submit(image(70)), jobs.submit(image(80))]
    predictor.release()
    order = [job for job, _ in jobs.outcomes()]
    assert order == [first, *small, alone, *after]
    assert predictor.sizes == [1, 2, 3]


@settings(max_examples=25)
@given(
    kinds=st.lists(st.sampled_from(["good", "large", "bad", "late", "breaks"]), max_size=30),
    threads=st.integers(1, 3),
    max_batch=st.integers(1, 8),
)
def test_every_job_has_exactly_the_outcome_that_it_would_have_alone(
    bundle, image, kinds, threads, max_batch
):
    predictor = WatchedPredictor(bundle, breaks=lambda images: images.max() > 250)
    scheduler = DynamicBatches(
        predictor, threads=threads, max_batch=max_batch, max_pixels=1_000_000
    )
    jobs = Jobs(scheduler)
    images = {"bad": b"no image", "breaks": image(255)}
    images["large"] = image(90) + bytes(dynamic_batches.LARGE_BYTES)
    submitted = []
    for kind in kinds:
        job = jobs.submit(images.get(kind, image(90)), seconds=0 if kind == "late" else 60)
        submitted.append((kind, job))
    scheduler.close()
    expected = {
        "good": Computed,
        "large": Computed,
        "bad": ImageError,
        "late": DeadlineError,
        "breaks": ServingError,
    }
    outcomes = jobs.by_job()
    for kind, job in submitted:
        assert type(outcomes[id(job)]) is expected[kind], kind
    assert max(predictor.sizes, default=1) <= max_batch


def test_under_many_submitters_nothing_is_lost(bundle, start, image):
    scheduler = start(WatchedPredictor(bundle), threads=3, max_batch=5)
    all_jobs = [Jobs(scheduler) for _ in range(6)]
    pictures = [image(level) for level in (10, 90, 160, 240)] + [b"no image"]

    def submit(jobs):
        for _ in range(60):
            jobs.submit(random.choice(pictures))

    threads = [threading.Thread(target=submit, args=(jobs,)) for jobs in all_jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for jobs in all_jobs:
        for job, outcome in jobs.outcomes():
            assert isinstance(outcome, ImageError if job.image == b"no image" else Computed)
