import asyncio
import threading

import pytest
from mlopsproj_core.errors import ImageError, NoModelError, OverloadedError
from mlopsproj_records.log import LogConfig, PredictionLog
from mlopsproj_serving.config import SchedulingConfig, ServingConfig
from mlopsproj_serving.model import ServedModel
from mlopsproj_serving.service import Service
from mlopsproj_serving.telemetry.metrics import Metrics


@pytest.fixture(params=["single", "batches"])
def config(request):
    return ServingConfig(
        scheduling=SchedulingConfig(strategy=request.param, threads=2, queue_images=8)
    )


@pytest.fixture
def load(small_registry, config):
    return lambda: ServedModel.load(*small_registry, config)


def ask(service, images):
    return service.predict(images, request_id="r", deadline_seconds=60)


def threads():
    return {thread for thread in threading.enumerate() if thread.name.startswith("predict-")}


def test_without_a_model_it_says_why(config, image):
    async def run():
        service = Service(config, None, metrics=Metrics())
        with pytest.raises(NoModelError, match="try again"):
            await ask(service, [image()])
        service.why_none = "The registry is empty."
        with pytest.raises(NoModelError, match="registry is empty"):
            await ask(service, [image()])
        assert b'refusals_total{reason="no_model"} 2' in service.metrics.render()

    asyncio.run(run())


def test_no_images_have_no_answers(config, load):
    async def run():
        service = Service(config, None)
        service.serve(load())
        assert await ask(service, []) == []
        await service.close()

    asyncio.run(run())


def test_more_than_may_be_inside_are_refused_and_told_when_to_try_again(config, load, image):
    async def run():
        service = Service(config, None, metrics=Metrics())
        service.serve(load())
        first = asyncio.ensure_future(ask(service, [image()] * 8))
        await asyncio.sleep(0)
        with pytest.raises(OverloadedError) as caught:
            await ask(service, [image()])
        assert caught.value.retry_after_seconds >= 1
        assert len(await first) == 8
        assert len(await ask(service, [image()] * 8)) == 8
        assert b'refusals_total{reason="queue"} 1' in service.metrics.render()
        await service.close()

    asyncio.run(run())


def test_a_request_goes_to_the_version_that_was_served_when_it_was_let_in(config, load, image):
    async def run():
        service = Service(config, None)
        before = load()
        service.serve(before)
        asked = asyncio.ensure_future(ask(service, [image()] * 4))
        await asyncio.sleep(0)
        assert service.serve(load()) is before
        await asyncio.to_thread(before.close)
        assert len(await asked) == 4
        await service.close()

    asyncio.run(run())


def test_closing_answers_all_that_was_let_in_and_ends_the_threads(config, load, image, tmp_path):
    async def run():
        log = PredictionLog(
            LogConfig(database_url=f"sqlite:///{tmp_path}/log.db", spool_dir=tmp_path / "spool")
        )
        before = threads()
        service = Service(config, log)
        service.serve(load())
        asked = [asyncio.ensure_future(ask(service, [image(), b"bad"])) for _ in range(4)]
        await asyncio.sleep(0)
        closing = asyncio.ensure_future(service.close())
        await asyncio.sleep(0)
        with pytest.raises(NoModelError, match="ending"):
            await ask(service, [image()])
        await closing
        assert threads() == before
        assert all(each.done() for each in asked)
        answers = [await each for each in asked]
        for answered, failed in answers:
            assert isinstance(failed, ImageError)
            assert log.prediction(answered.id).record == answered
        await asyncio.to_thread(log.close)

    asyncio.run(run())


def test_closing_an_idle_service_or_one_without_a_model_ends_at_once(config, load):
    async def run():
        await Service(config, None).close()
        service = Service(config, None)
        service.serve(load())
        await service.close()
        await service.close()

    asyncio.run(run())


def test_many_clients_at_once_each_have_their_own_answers(config, load, image):
    pictures = {level: image(level) for level in range(0, 256, 15)}

    async def client(service, level):
        answers = set()
        for _ in range(6):
            while True:
                try:
                    (answer,) = await ask(service, [pictures[level]])
                    break
                except OverloadedError:
                    await asyncio.sleep(0.005)
            answers.add((answer.top_k[0][0], round(answer.ood_score, 3)))
        return answers

    async def run():
        service = Service(config, None)
        service.serve(load())
        found = await asyncio.gather(*(client(service, level) for level in pictures))
        assert service.admission.inside == 0
        await service.close()
        return found

    for level, answers in zip(pictures, asyncio.run(run()), strict=True):
        ((label, score),) = answers
        assert label == ("bright" if level > 127 else "dark")
        assert score == pytest.approx(level / 255, abs=0.02)
