"""What happens to an image between admission and its answer, with a log that a test holds up."""

import asyncio
import logging
import threading
import time
from contextlib import asynccontextmanager

import pytest
from mlopsproj_core.bundle import Bundle
from mlopsproj_core.errors import (
    DeadlineError,
    ImageError,
    NotDurableError,
    OverloadedError,
    ServingError,
)
from mlopsproj_records.record import PredictionRecord
from mlopsproj_serving.config import Limits, SchedulingConfig, ServingConfig
from mlopsproj_serving.model import ServedModel
from mlopsproj_serving.scheduling.choice import make_scheduler
from mlopsproj_serving.service import Service
from mlopsproj_serving.telemetry.metrics import Metrics
from watched_predictor import WatchedPredictor


class HeldLog:
    """Tells that a record is durable when a test lets it, from a thread of its own."""

    def __init__(self, error=None):
        self.error = error
        self.appended = []
        self.may = threading.Event()

    def append(self, record, done, *, image=None):
        self.appended.append((record, image))
        threading.Thread(target=self._tell, args=(done,)).start()

    def _tell(self, done):
        assert self.may.wait(60)
        done(self.error)


@pytest.fixture(params=["single", "batches"])
def strategy(request):
    return request.param


@pytest.fixture
def predictor(small_registry):
    registry, version = small_registry
    return WatchedPredictor(Bundle.open(registry.fetch(version)))


@asynccontextmanager
async def service_of(small_registry, predictor, strategy, *, log=None, threads=1, queue_images=64):
    scheduling = SchedulingConfig(strategy=strategy, threads=threads, queue_images=queue_images)
    service = Service(ServingConfig(scheduling=scheduling), log, metrics=Metrics())
    scheduler, _ = make_scheduler(predictor, scheduling, Limits())
    service.serve(
        ServedModel(
            small_registry[1], predictor, scheduler, strategy, probe_image=b"", load_seconds=0
        )
    )
    yield service
    predictor.release()
    await service.close()


def ask(service, images, seconds=60.0):
    return asyncio.ensure_future(service.predict(images, request_id="r", deadline_seconds=seconds))


async def until(condition):
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 (what threads do sets no event of the loop)
            await asyncio.sleep(0.002)


def counted(service, line):
    """The number behind a line of the metrics."""
    found = [
        float(each.rpartition(" ")[2])
        for each in service.metrics.render().decode().splitlines()
        if each.startswith(f"mlopsproj_api_{line} ")
    ]
    return found[0] if found else 0.0


def test_answers_stand_in_the_order_of_their_images(small_registry, predictor, strategy, image):
    async def run():
        async with service_of(small_registry, predictor, strategy, threads=2) as service:
            levels = [240, 10, None, 200, 30, None, 250]
            images = [b"bad" if level is None else image(level) for level in levels]
            answers = await ask(service, images)
            for level, answer in zip(levels, answers, strict=True):
                if level is None:
                    assert isinstance(answer, ImageError)
                else:
                    assert answer.top_k[0][0] == ("bright" if level > 127 else "dark")
            assert service.admission.inside == 0
            assert counted(service, 'image_failures_total{reason="image"}') == 2
            bright = 'images_total{class="bright",model="brightness",version="1"}'
            assert counted(service, bright) == 3
            assert counted(service, 'image_duration_seconds_count{stage="total"}') == 5

    asyncio.run(run())


def test_an_answer_waits_until_its_record_is_durable(small_registry, predictor, strategy, image):
    async def run():
        log = HeldLog()
        async with service_of(small_registry, predictor, strategy, log=log) as service:
            asked = ask(service, [image()])
            await until(lambda: log.appended)
            await asyncio.sleep(0.05)
            assert not asked.done()
            assert service.admission.inside == 1
            log.may.set()
            (answer,) = await asked
            assert log.appended == [(answer, image())]

    asyncio.run(run())


def test_what_cannot_be_durable_is_not_answered(small_registry, predictor, strategy, image):
    async def run():
        log = HeldLog(NotDurableError("the disk is full"))
        log.may.set()
        async with service_of(small_registry, predictor, strategy, log=log) as service:
            (answer,) = await ask(service, [image()])
            assert answer is log.error
            assert service.admission.inside == 0
            assert counted(service, 'image_failures_total{reason="not_durable"}') == 1

    asyncio.run(run())


def test_a_log_that_breaks_ends_the_request(small_registry, predictor, strategy, image):
    class BrokenLog:
        def append(self, record, done, *, image=None):
            raise RuntimeError("the log breaks on purpose")

    async def run():
        async with service_of(small_registry, predictor, strategy, log=BrokenLog()) as service:
            answers = await ask(service, [image()] * 3)
            assert [type(answer) for answer in answers] == [ServingError] * 3
            assert service.admission.inside == 0
            assert counted(service, 'image_failures_total{reason="internal"}') == 3

    asyncio.run(run())


def test_past_its_deadline_an_image_is_not_computed(small_registry, predictor, strategy, image):
    async def run():
        async with service_of(small_registry, predictor, strategy) as service:
            predictor.hold()
            first = ask(service, [image()])
            await until(lambda: predictor.sizes)
            late = ask(service, [image()], seconds=0.01)
            await asyncio.sleep(0.05)
            predictor.release()
            (answer,) = await late
            assert isinstance(answer, DeadlineError)
            await first
            assert predictor.sizes == [1]
            assert counted(service, 'image_failures_total{reason="deadline"}') == 1

    asyncio.run(run())


def test_whoever_goes_away_is_not_computed_and_frees_the_place_at_once(
    small_registry, predictor, strategy, image
):
    async def run():
        async with service_of(small_registry, predictor, strategy, queue_images=4) as service:
            predictor.hold()
            first = ask(service, [image()])
            await until(lambda: predictor.sizes)
            gone = ask(service, [image()] * 3)
            await asyncio.sleep(0)
            assert service.admission.inside == 4
            gone.cancel()
            with pytest.raises(asyncio.CancelledError):
                await gone
            assert service.admission.inside == 1
            others = ask(service, [image()] * 3)
            predictor.release()
            assert len(await first) == 1
            assert len(await others) == 3
            assert sum(predictor.sizes) == 4
            assert service.admission.inside == 0
            assert counted(service, 'image_failures_total{reason="abandoned"}') == 3

    asyncio.run(run())


def test_whoever_goes_away_while_being_computed_is_not_recorded(
    small_registry, predictor, strategy, image
):
    async def run():
        log = HeldLog()
        log.may.set()
        async with service_of(small_registry, predictor, strategy, log=log) as service:
            predictor.hold()
            gone = ask(service, [image()])
            await until(lambda: predictor.sizes)
            gone.cancel()
            await asyncio.sleep(0)
            predictor.release()
            await ask(service, [image(10)])
            assert [image for _, image in log.appended] == [image(10)]
            assert service.admission.inside == 0

    asyncio.run(run())


def test_what_is_on_its_way_into_the_log_keeps_its_place_when_its_client_goes(
    small_registry, predictor, strategy, image
):
    async def run():
        log = HeldLog()
        async with service_of(
            small_registry, predictor, strategy, log=log, queue_images=4
        ) as service:
            gone = ask(service, [image()] * 4)
            await until(lambda: len(log.appended) == 4)
            gone.cancel()
            with pytest.raises(asyncio.CancelledError):
                await gone
            assert service.admission.inside == 4  # a log that is slow holds no more than may wait
            with pytest.raises(OverloadedError):
                await ask(service, [image()])
            log.may.set()
            await until(lambda: service.admission.inside == 0)
            assert len(await ask(service, [image()])) == 1
            assert service.admission.inside == 0
            assert counted(service, 'image_failures_total{reason="abandoned"}') == 4

    asyncio.run(run())


def test_whoever_goes_away_when_all_is_done_leaves_nothing_behind(
    small_registry, predictor, strategy, image, caplog
):
    async def run():
        log = HeldLog()
        async with service_of(small_registry, predictor, strategy, log=log) as service:
            for _ in range(20):
                gone = ask(service, [image(), b"bad"])
                await until(lambda: log.appended)
                log.may.set()
                gone.cancel()  # at the very time at which the answer arrives
                with pytest.raises(asyncio.CancelledError):
                    await gone
                log.may.clear()
                log.appended.clear()
            log.may.set()
            await until(lambda: service.admission.inside == 0)

    with caplog.at_level(logging.ERROR):
        asyncio.run(run())
    assert caplog.text == ""


def test_after_an_answer_those_who_want_it_have_the_image_and_its_record(
    small_registry, predictor, strategy, image
):
    async def run():
        seen = []
        async with service_of(small_registry, predictor, strategy) as service:
            service.after_answer.append(lambda *copied: seen.append(copied))
            answers = await ask(service, [image(10), b"bad", image(240)])
        good = [answer for answer in answers if isinstance(answer, PredictionRecord)]
        assert sorted(seen, key=lambda copied: copied[1].id) == sorted(
            zip([image(10), image(240)], good, strict=True), key=lambda copied: copied[1].id
        )

    asyncio.run(run())


def test_an_inference_that_breaks_is_answered_with_a_failure(small_registry, strategy, image):
    registry, version = small_registry
    breaks = WatchedPredictor(
        Bundle.open(registry.fetch(version)), breaks=lambda images: images.max() > 250
    )

    async def run():
        async with service_of(small_registry, breaks, strategy) as service:
            failed, answered = await ask(service, [image(255), image(10)])
            assert isinstance(failed, ServingError)
            assert answered.top_k[0][0] == "dark"
            assert counted(service, 'image_failures_total{reason="internal"}') == 1

    asyncio.run(run())


def test_the_time_that_is_told_is_that_of_each_stage(small_registry, predictor, strategy, image):
    async def run():
        async with service_of(small_registry, predictor, strategy) as service:
            predictor.hold()
            begun = time.monotonic()
            asked = ask(service, [image()])
            await until(lambda: predictor.sizes)
            await asyncio.sleep(0.1)
            predictor.release()
            (answer,) = await asked
            took = (time.monotonic() - begun) * 1e3
            assert 100 <= answer.latency_ms["infer"] <= took
            assert sum(answer.latency_ms.values()) <= took

    asyncio.run(run())
