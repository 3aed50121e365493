import pytest
from mlopsproj_core.errors import DeadlineError, ImageError, ServingError
from mlopsproj_core.predictor import Predictor
from mlopsproj_serving.scheduling.single_jobs import SingleJobs
from small_bundle import make_small_bundle
from watched_predictor import Jobs, WatchedPredictor, assert_same


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return make_small_bundle(tmp_path_factory.mktemp("single") / "bundle")


@pytest.fixture
def start(bundle):
    started = []

    def scheduler(predictor, threads=2, max_pixels=1_000_000):
        started.append(SingleJobs(predictor, threads=threads, max_pixels=max_pixels))
        return started[-1]

    yield scheduler
    for each in started:
        each.close()


def test_each_image_is_computed_alone_as_the_predictor_says(bundle, start, image):
    predictor = WatchedPredictor(bundle)
    jobs = Jobs(start(predictor))
    images = {level: image(level) for level in range(0, 250, 10)}
    submitted = {level: jobs.submit(each) for level, each in images.items()}
    outcomes = jobs.by_job()
    expected = Predictor(bundle, threads=1).predict(list(images.values()))
    for level, prediction in zip(images, expected, strict=True):
        computed = outcomes[id(submitted[level])]
        assert_same(computed, prediction)
        assert computed.batch_size == 1
        assert set(computed.latency_ms) == {"queue", "decode", "infer"}
        assert min(computed.latency_ms.values()) >= 0
    assert set(predictor.sizes) == {1}


def test_a_bad_image_fails_alone(bundle, start, image):
    jobs = Jobs(start(WatchedPredictor(bundle)))
    bad = jobs.submit(b"no image")
    good = jobs.submit(image(200, "PNG"))
    outcomes = jobs.by_job()
    assert isinstance(outcomes[id(bad)], ImageError)
    assert outcomes[id(good)].probabilities.shape == (2,)


def test_an_image_of_too_many_pixels_fails(bundle, start, image):
    jobs = Jobs(start(WatchedPredictor(bundle), max_pixels=9_999))
    jobs.submit(image())  # 100 x 100
    ((_, outcome),) = jobs.outcomes()
    assert isinstance(outcome, ImageError)
    assert "9,999" in str(outcome)


def test_a_broken_inference_fails_its_image_and_no_other(bundle, start, image):
    jobs = Jobs(start(WatchedPredictor(bundle, breaks=lambda images: images.mean() > 250)))
    bright, dark = jobs.submit(image(255)), jobs.submit(image(10))
    outcomes = jobs.by_job()
    assert isinstance(outcomes[id(bright)], ServingError)
    assert outcomes[id(dark)].batch_size == 1


def test_what_is_too_late_or_abandoned_is_not_computed(bundle, start, image):
    predictor = WatchedPredictor(bundle)
    predictor.hold()
    jobs = Jobs(start(predictor, threads=1))
    first = jobs.submit(image())
    assert predictor.entered.acquire(timeout=60)
    late, abandoned, last = jobs.submit(image(), seconds=0), jobs.submit(image()), None
    abandoned.abandon()
    last = jobs.submit(image())
    predictor.release()
    outcomes = jobs.by_job()
    assert isinstance(outcomes[id(late)], DeadlineError)
    assert isinstance(outcomes[id(abandoned)], DeadlineError)
    assert outcomes[id(first)].batch_size == outcomes[id(last)].batch_size == 1
    assert len(predictor.sizes) == 2


def test_closing_finishes_what_was_submitted(bundle, start, image):
    scheduler = start(WatchedPredictor(bundle))
    jobs = Jobs(scheduler)
    for _ in range(40):
        jobs.submit(image())
    scheduler.close()
    assert len(jobs.outcomes()) == 40
