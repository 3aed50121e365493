import hashlib
from datetime import UTC, datetime

import msgspec
import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from mlopsproj_core.image import ImageStatistics
from mlopsproj_core.manifest import DataSummary, Manifest
from mlopsproj_core.registry import ModelVersion
from mlopsproj_records.identifiers import time_of
from mlopsproj_records.record import PredictionRecord
from mlopsproj_serving.recording import TOP, record_of
from mlopsproj_serving.scheduling.job import Computed
from small_bundle import SPEC

VERSION = ModelVersion("brightness", 7)
STATISTICS = ImageStatistics(100, 80, "RGB", 0.5, 0.25, 0.125, 0.75)


def manifest(classes):
    return Manifest(
        name="brightness",
        classes=tuple(f"class {number}" for number in range(classes)),
        image=SPEC,
        metrics={},
        data=DataSummary(name="x", fingerprint="0" * 64, counts={}),
        created=datetime.now(UTC),
        files={},
    )


def record(probabilities, embedding=(0.5, -0.25), **options):
    computed = Computed(
        probabilities=np.array(probabilities, np.float32),
        embedding=np.array(embedding, np.float32),
        ood_score=1.5,
        statistics=STATISTICS,
        latency_ms={"queue": 1.0, "decode": 2.0, "infer": 3.0},
        batch_size=4,
    )
    return record_of(
        computed,
        b"image",
        version=VERSION,
        manifest=manifest(len(probabilities)),
        request_id="request",
        **options,
    )


def test_everything_that_came_out_is_recorded():
    before = datetime.now(UTC)
    found = record([0.25, 0.75])
    assert before <= found.time <= datetime.now(UTC)
    assert abs((time_of(found.id) - found.time).total_seconds()) < 1
    assert (found.model, found.version) == ("brightness", 7)
    assert found.top_k == (("class 1", 0.75), ("class 0", 0.25))
    assert np.frombuffer(found.probabilities, "<f4").tolist() == [0.25, 0.75]
    assert np.frombuffer(found.embedding, "<f2").tolist() == [0.5, -0.25]
    assert found.ood_score == 1.5
    assert found.statistics == STATISTICS.as_dict()
    assert found.latency_ms == {"queue": 1.0, "decode": 2.0, "infer": 3.0}
    assert found.request_id == "request"
    assert found.image_sha256 == hashlib.sha256(b"image").hexdigest()
    assert found.image_url is None
    assert found.shadow_of is None


def test_the_record_of_a_shadow_names_the_answer():
    assert record([0.25, 0.75], shadow_of="id").shadow_of == "id"


@given(st.lists(st.floats(0, 1, width=32), min_size=2, max_size=12))
def test_the_best_classes_come_first_and_of_equal_ones_the_first(probabilities):
    found = record(probabilities)
    order = sorted(range(len(probabilities)), key=lambda index: -probabilities[index])
    assert found.top_k == tuple((f"class {index}", probabilities[index]) for index in order[:TOP])


def test_it_goes_through_msgpack_unchanged():
    found = record([0.1, 0.9])
    again = msgspec.msgpack.decode(msgspec.msgpack.encode(found), type=PredictionRecord)
    assert again == found


def test_the_memory_of_a_batch_is_not_held_by_one_of_its_records():
    found = record([0.1, 0.9])
    assert all(
        type(field) in (bytes, str, float, int, tuple, dict, datetime, type(None))
        for field in msgspec.structs.astuple(found)
    )
