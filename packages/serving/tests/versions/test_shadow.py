import asyncio
import threading
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlopsproj_core.errors import BundleCorruptError, NotDurableError
from mlopsproj_core.registry import Registry
from mlopsproj_records.identifiers import uuid7
from mlopsproj_serving.config import SchedulingConfig, ServingConfig
from mlopsproj_serving.model import ServedModel
from mlopsproj_serving.service import Service
from mlopsproj_serving.telemetry.metrics import Metrics
from mlopsproj_serving.versions import shadow as module
from mlopsproj_serving.versions.shadow import Shadow, chosen
from numbered_versions import NumberedVersions, grey_image, number_of

CONFIG = ServingConfig(scheduling=SchedulingConfig(strategy="single", threads=1))
IMAGE = grey_image()


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    """Two versions of one model."""
    folder = tmp_path_factory.mktemp("versions")
    versions = NumberedVersions(Registry(str(folder / "registry")), folder / "scratch")
    versions.publish()
    versions.publish()
    return versions.registry


@pytest.fixture
def load(registry):
    """Loads versions, which end with the test."""
    models = []

    def load_(number):
        models.append(ServedModel.load(registry, registry.resolve(f"brightness:{number}"), CONFIG))
        return models[-1]

    yield load_
    for model in models:
        model.close()


class Gate:
    """A scheduler that computes nothing before it is opened."""

    def __init__(self, model):
        self._inner = model.scheduler
        self.entered = threading.Event()
        self.opened = threading.Event()
        model.scheduler = self

    def submit(self, job):
        finished = job.finished

        def later(job, outcome):
            self.entered.set()
            self.opened.wait(60)
            finished(job, outcome)

        job.finished = later
        self._inner.submit(job)

    def close(self):
        self.opened.set()
        self._inner.close()


class Kept:
    """A log that keeps records in memory."""

    def __init__(self):
        self.records = []
        self.error = None

    def append(self, record, done, *, image=None):
        assert image is None, "the image is kept with the answered prediction"
        self.records.append(record)
        done(self.error)


class Counts(Metrics):
    """What was counted of the shadow; tells when the next is."""

    def __init__(self):
        super().__init__()
        self.results = []
        self._changed = threading.Condition()

    def shadow(self, result):
        super().shadow(result)
        with self._changed:
            self.results.append(result)
            self._changed.notify()

    def wait(self, number):
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.results) >= number, 30)
        return sorted(self.results)


@pytest.fixture
def log():
    return Kept()


@pytest.fixture
def counts():
    return Counts()


@pytest.fixture
def shadow(log, counts):
    made = Shadow(share=1.0, log=log, metrics=counts, busy=lambda: False)
    yield made
    made.close()


def answer_with(model, images, shadow=None):
    """What a service says of images, all asked at once."""

    async def run():
        service = Service(CONFIG, None)
        service.serve(model)
        if shadow is not None:
            service.after_answer.append(shadow.copy)
        return await service.predict(images, request_id="asked", deadline_seconds=30)

    return asyncio.run(run())


def test_an_answered_image_is_computed_again_and_recorded_with_what_it_shadows(
    load, shadow, log, counts
):
    shadow.use(load(2))
    answers = answer_with(load(1), [IMAGE] * 3, shadow)
    assert counts.wait(3) == ["agreed"] * 3
    assert {record.shadow_of for record in log.records} == {answer.id for answer in answers}
    for record in log.records:
        assert (record.model, record.version, number_of(record.ood_score)) == ("brightness", 2, 2)
        assert record.request_id == "asked"
        assert record.id not in {answer.id for answer in answers}
        assert record.image_sha256 == answers[0].image_sha256
        assert {"queue", "decode", "infer"} <= record.latency_ms.keys()
    assert b'shadow_images_total{result="agreed"} 3' in counts.render()


def test_another_class_is_counted_as_a_difference(load, shadow, counts):
    shadow.use(load(2))
    (answer,) = answer_with(load(1), [IMAGE])
    (first, second) = answer.top_k
    shadow.copy(IMAGE, type(answer)(**{**fields(answer), "top_k": (second, first)}))
    assert counts.wait(1) == ["differed"]


def fields(record):
    return {name: getattr(record, name) for name in record.__struct_fields__}


def test_answers_do_not_wait_for_a_shadow_that_hangs(load, shadow, counts, monkeypatch):
    monkeypatch.setattr(module, "QUEUE_IMAGES", 5)
    model = load(2)
    gate = Gate(model)
    shadow.use(model)
    answering = load(1)
    assert len(answer_with(answering, [IMAGE], shadow)) == 1
    assert gate.entered.wait(30)
    answers = answer_with(answering, [IMAGE] * 20, shadow)
    assert len(answers) == 20
    assert not gate.opened.is_set()
    assert counts.results == ["dropped"] * 15, "five wait behind the one that hangs"
    gate.opened.set()
    assert counts.wait(21) == ["agreed"] * 6 + ["dropped"] * 15


def test_what_waits_takes_no_more_memory_than_it_may(load, shadow, counts, monkeypatch):
    monkeypatch.setattr(module, "QUEUE_BYTES", 3 * len(IMAGE) + 1)
    model = load(2)
    gate = Gate(model)
    shadow.use(model)
    (answer,) = answer_with(load(1), [IMAGE])
    shadow.copy(IMAGE, answer)
    assert gate.entered.wait(30)
    for _ in range(4):
        shadow.copy(IMAGE, answer)
    assert counts.results == ["dropped"]
    gate.opened.set()
    assert counts.wait(5) == ["agreed"] * 4 + ["dropped"]
    shadow.copy(IMAGE, answer)  # the bytes of those that are gone count no more
    assert counts.wait(6)[-2:] == ["agreed", "dropped"]


def test_answers_do_not_suffer_from_a_shadow_that_fails(load, shadow, log, counts, caplog):
    model = load(2)
    model.predictor.run = lambda images: (_ for _ in ()).throw(BundleCorruptError("the graph"))
    shadow.use(model)
    answers = answer_with(load(1), [IMAGE] * 3, shadow)
    assert [number_of(answer.ood_score) for answer in answers] == [1, 1, 1]
    assert counts.wait(3) == ["failed"] * 3
    assert log.records == []
    assert caplog.text.count("the shadow failed") == 1, "not for every image"


def test_a_fault_of_ours_is_counted_and_the_next_copy_is_computed(
    load, shadow, counts, monkeypatch, caplog
):
    shadow.use(load(2))
    (answer,) = answer_with(load(1), [IMAGE])
    with monkeypatch.context() as patch:
        patch.setattr(module, "record_of", lambda *_, **__: 1 // 0)
        shadow.copy(IMAGE, answer)
        assert counts.wait(1) == ["failed"]
    shadow.copy(IMAGE, answer)
    assert counts.wait(2) == ["agreed", "failed"]
    assert "ZeroDivisionError" in caplog.text


def test_a_record_that_cannot_be_kept_is_counted(load, shadow, log, counts):
    log.error = NotDurableError("the disk is full")
    shadow.use(load(2))
    answer_with(load(1), [IMAGE], shadow)
    assert counts.wait(1) == ["failed"]


def test_without_a_log_or_metrics_it_compares_all_the_same(load, counts):
    (answer,) = answer_with(load(1), [IMAGE])
    for shadow in (
        Shadow(share=1.0, log=None, metrics=counts, busy=lambda: False),
        Shadow(share=1.0, log=None, metrics=None, busy=lambda: False),
    ):
        shadow.use(load(2))
        shadow.copy(IMAGE, answer)
        shadow.close()


def test_nothing_is_copied_to_nobody_nor_to_the_version_that_answered(load, shadow, log, counts):
    answering = load(1)
    (answer,) = answer_with(answering, [IMAGE], shadow)
    shadow.use(load(1))
    shadow.copy(IMAGE, answer)
    shadow.use(None)
    shadow.copy(IMAGE, answer)
    shadow.close()
    assert counts.results == log.records == []


def test_what_waits_is_dropped_when_there_is_no_version_any_more(load, shadow, counts):
    model = load(2)
    gate = Gate(model)
    shadow.use(model)
    (answer,) = answer_with(load(1), [IMAGE])
    for _ in range(3):
        shadow.copy(IMAGE, answer)
    assert gate.entered.wait(30)
    shadow.use(None)
    gate.opened.set()
    assert counts.wait(3) == ["agreed", "dropped", "dropped"]


def test_a_version_that_is_replaced_finishes_its_copy_and_can_be_closed(load, shadow, log, counts):
    old, new = load(1), load(2)
    gate = Gate(old)
    (answer,) = answer_with(load(2), [IMAGE])
    shadow.use(old)
    shadow.copy(IMAGE, answer)
    assert gate.entered.wait(30)
    shadow.use(new)
    closing = threading.Thread(target=old.close)
    closing.start()
    closing.join(30)
    assert not closing.is_alive()
    assert counts.wait(1) == ["agreed"]
    (other,) = answer_with(load(1), [IMAGE])
    shadow.copy(IMAGE, other)
    counts.wait(2)
    assert [record.version for record in log.records] == [1, 2]


def test_at_the_end_what_waits_is_dropped_and_no_thread_is_left(load, counts):
    threads = {thread for thread in threading.enumerate() if thread.name == "shadow"}
    shadow = Shadow(share=1.0, log=None, metrics=counts, busy=lambda: False)
    model = load(2)
    gate = Gate(model)
    shadow.use(model)
    (answer,) = answer_with(load(1), [IMAGE])
    for _ in range(4):
        shadow.copy(IMAGE, answer)
    assert gate.entered.wait(30)
    closing = threading.Thread(target=shadow.close)
    closing.start()
    assert counts.wait(3) == ["dropped"] * 3
    gate.opened.set()
    closing.join(30)
    assert counts.wait(4) == ["agreed"] + ["dropped"] * 3
    shadow.copy(IMAGE, answer)
    assert counts.wait(5) == ["agreed"] + ["dropped"] * 4
    assert {thread for thread in threading.enumerate() if thread.name == "shadow"} == threads


@pytest.mark.parametrize(("busy_for", "slept"), [(0, 0), (0.5, 0.5), (100, 1.9)])
def test_while_there_is_traffic_it_rests_most_of_the_time(monkeypatch, busy_for, slept):
    """After a copy that took 0.1 s: nineteen times that, or until nobody waits for an answer."""
    now = [0.0]

    def sleep(seconds):
        now[0] += seconds

    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: now[0], sleep=sleep))
    shadow = Shadow(share=1.0, log=None, metrics=None, busy=lambda: now[0] < busy_for)
    shadow._rest(0.1 * (1 / module.BUSY_SHARE - 1))
    assert now[0] == pytest.approx(slept, abs=0.03)


@given(st.uuids(), st.floats(0, 1), st.floats(0, 1))
def test_what_is_chosen_follows_from_the_id_and_grows_with_the_share(id_, one, other):
    less, more = sorted((one, other))
    assert chosen(str(id_), less) == chosen(str(id_), less)
    assert chosen(str(id_), more) or not chosen(str(id_), less)
    assert not chosen(str(id_), 0)
    assert chosen(str(id_), 1)


def test_the_share_of_many_ids_is_the_share():
    ids = [uuid7() for _ in range(20_000)]
    for share in (0.01, 0.3, 0.9):
        found = sum(chosen(id_, share) for id_ in ids) / len(ids)
        assert abs(found - share) < 0.02


def test_only_the_share_is_copied(load, counts):
    (answer,) = answer_with(load(1), [IMAGE])
    answers = [type(answer)(**{**fields(answer), "id": uuid7()}) for _ in range(200)]
    shadow = Shadow(share=0.1, log=None, metrics=counts, busy=lambda: False)
    shadow.use(load(2))
    wanted = sum(chosen(each.id, 0.1) for each in answers)
    assert 0 < wanted < 100
    for each in answers:
        shadow.copy(IMAGE, each)
    counts.wait(wanted)
    shadow.close()
    assert len(counts.results) == wanted
