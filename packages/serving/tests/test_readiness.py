import asyncio
import threading
from types import SimpleNamespace

import pytest
from mlopsproj_core.registry import Registry
from mlopsproj_serving import readiness as module
from mlopsproj_serving.config import SchedulingConfig, ServingConfig
from mlopsproj_serving.model import ServedModel
from mlopsproj_serving.readiness import Readiness
from mlopsproj_serving.service import NO_MODEL, Service
from numbered_versions import NumberedVersions

CONFIG = ServingConfig(scheduling=SchedulingConfig(strategy="single", threads=1))


@pytest.fixture
def models(tmp_path):
    """Two versions, whose inferences are counted."""
    versions = NumberedVersions(Registry(str(tmp_path / "registry")), tmp_path / "scratch")
    loaded = [ServedModel.load(versions.registry, versions.publish(), CONFIG) for _ in range(2)]
    for model in loaded:
        count(model)
    yield loaded
    for model in loaded:
        model.close()


def count(model):
    model.runs, run = 0, model.predictor.run

    def counted(images):
        model.runs += 1
        return run(images)

    model.predictor.run = counted


def serving(model):
    service = Service(CONFIG, None)
    if model is not None:
        service.serve(model)
    return service


def test_an_image_is_really_computed_and_what_came_out_is_told_for_a_while(models):
    model, _ = models

    async def run():
        service, readiness = serving(model), Readiness(kept_seconds=3600)
        together = [readiness.why_not(service) for _ in range(5)]
        assert await asyncio.gather(*together) == [None] * 5
        assert await readiness.why_not(service) is None
        assert model.runs == 1
        assert service.admission.inside == 0

    asyncio.run(run())


def test_after_that_while_one_is_computed_again(models, monkeypatch):
    model, _ = models
    now = [1000.0]

    class Time:
        monotonic = staticmethod(lambda: now[0])

    monkeypatch.setattr(module, "time", Time)

    async def run():
        service, readiness = serving(model), Readiness(kept_seconds=1)
        for _ in range(3):
            await readiness.why_not(service)
            now[0] += 0.4
        assert model.runs == 1
        now[0] += 0.4
        assert await readiness.why_not(service) is None
        assert model.runs == 2

    asyncio.run(run())


def test_another_version_must_show_it_itself(models):
    first, second = models
    second.predictor.run = lambda images: 1 // 0

    async def run():
        service, readiness = serving(first), Readiness(kept_seconds=3600)
        assert await readiness.why_not(service) is None
        service.serve(second)
        assert "could not be computed" in await readiness.why_not(service)
        service.serve(first)
        assert await readiness.why_not(service) is None

    asyncio.run(run())


def test_without_a_model_it_is_told_why(models):
    async def run():
        service, readiness = serving(None), Readiness()
        assert await readiness.why_not(service) == NO_MODEL
        service.why_none = "the registry is empty"
        assert await readiness.why_not(service) == "the registry is empty"
        service.serve(models[0])
        assert await readiness.why_not(service) is None

    asyncio.run(run())


def test_an_image_that_takes_too_long_is_no_yes(models):
    model, _ = models
    go, run_model = threading.Event(), model.predictor.run

    def hang(images):
        go.wait(30)
        return run_model(images)

    model.predictor.run = hang

    async def run():
        service = serving(model)
        readiness = Readiness(kept_seconds=0, patience_seconds=0.05)
        assert "within 0.05 s" in await readiness.why_not(service)
        go.set()
        readiness = Readiness()
        assert await readiness.why_not(service) is None

    asyncio.run(run())


def test_whoever_leaves_takes_the_answer_from_nobody_else(models):
    async def run():
        service, readiness = serving(models[0]), Readiness()
        leaving = asyncio.create_task(readiness.why_not(service))
        staying = asyncio.create_task(readiness.why_not(service))
        await asyncio.sleep(0)
        leaving.cancel()
        assert await staying is None

    asyncio.run(run())


def test_where_nothing_can_be_kept_it_is_not_ready(models):
    model, _ = models

    async def run():
        service, readiness = serving(model), Readiness()
        state = SimpleNamespace(spool_up=False, database_up=True, last_error="the disk is full")
        service.log = SimpleNamespace(state=lambda: state)
        assert await readiness.why_not(service) is None  # the database takes them
        state.database_up = False
        assert await readiness.why_not(service) == "No answer can be kept: the disk is full"
        state.spool_up = True
        assert await readiness.why_not(service) is None

    asyncio.run(run())
