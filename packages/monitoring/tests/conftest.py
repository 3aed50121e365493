"""Images that never were: everything of them is drawn, and each kind of drift can be asked for."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest
from mlopsproj_core import Outputs
from mlopsproj_core.bundle import REFERENCE
from mlopsproj_evaluation import Scores, write_reference
from mlopsproj_monitoring import Reference, Sample
from mlopsproj_records import Database, PredictionRecord

CLASSES, DIMENSIONS = 3, 6


def draw_sample(
    seed,
    images,
    *,
    classes=CLASSES,
    dimensions=DIMENSIONS,
    prior=None,
    embedding_shift=0.0,
    brightness_shift=0.0,
    width=28.0,
    mode="L",
    accuracy=0.9,
    labelled=False,
) -> Sample:
    """Images around one centre for each class; the seed decides everything."""
    rng = np.random.default_rng([seed, images])
    centres = np.random.default_rng(1).normal(size=(classes, dimensions))
    answers = rng.choice(classes, images, p=prior)
    embedding = centres[answers] + rng.normal(size=(images, dimensions)) + embedding_shift
    probabilities = rng.dirichlet(np.ones(classes), images).astype(np.float32)
    probabilities[np.arange(images), answers] += 1
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    wrong = rng.random(images) >= accuracy
    labels = np.where(wrong, (answers + 1) % classes, answers)
    return Sample(
        ids=[f"{number:016x}" for number in rng.integers(0, 2**60, images).tolist()],
        probabilities=probabilities,
        embedding=embedding.astype(np.float16).astype(np.float32),
        ood_score=(embedding**2).sum(axis=1),
        statistics={
            "brightness": rng.beta(2, 3, images) + brightness_shift,
            "contrast": rng.beta(2, 5, images) / 2,
            "sharpness": rng.beta(3, 9, images),
            "saturation": np.zeros(images),
            "width": np.full(images, width),
            "height": np.full(images, 28.0),
        },
        mode=[mode] * images,
        labels=labels.tolist() if labelled else [None] * images,
    )


def draw_reference(seed, images, *, classes=CLASSES, **asked) -> Reference:
    sample = draw_sample(seed, images, classes=classes, labelled=True, **asked)
    return Reference("drawn", tuple(f"c{number}" for number in range(classes)), sample)


@pytest.fixture(scope="session")
def make_sample() -> Callable[..., Sample]:
    return draw_sample


@pytest.fixture(scope="session")
def make_reference() -> Callable[..., Reference]:
    return draw_reference


def predictions_of(sample, *, model="drawn", version=1, start=None, seconds=1.0, times=None):
    """Records as the service writes them, the first at `start`, the next ones later."""
    start = start or datetime(2026, 3, 1, tzinfo=UTC)
    rows = []
    for row in range(len(sample)):
        time = start + timedelta(seconds=seconds * row) if times is None else times[row]
        statistics = {
            name: float(values[row])
            for name, values in sample.statistics.items()
            if not np.isnan(values[row])
        }
        rows.append(
            PredictionRecord(
                id=uuid7_at(time, row),
                time=time,
                model=model,
                version=version,
                top_k=(),
                probabilities=sample.probabilities[row].astype("<f4").tobytes(),
                embedding=sample.embedding[row].astype("<f2").tobytes(),
                ood_score=float(sample.ood_score[row]),
                statistics={**statistics, "mode": sample.mode[row]},
                latency_ms={},
                request_id="r",
                image_sha256="0" * 64,
            )
        )
    return rows


def uuid7_at(time, number):
    """An id that `uuid7` could have made at that time."""
    milliseconds = int(time.timestamp() * 1000)
    digits = f"{milliseconds:012x}7{number >> 30 & 0xFFF:03x}{2 << 62 | number:016x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


@pytest.fixture(scope="session")
def make_predictions():
    return predictions_of


@pytest.fixture
def database(tmp_path):
    with Database(f"sqlite:///{tmp_path / 'log.db'}") as opened:
        yield opened


def write_drawn_reference(path, *, rows=200, classes=2, dimensions=1):
    """A reference of drawn images."""
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.ones(classes), rows).astype(np.float32)
    ids = tuple(f"{number:064x}" for number in range(rows))
    statistics = pa.table(
        {
            "width": pa.array(np.full(rows, 28)),
            "height": pa.array(np.full(rows, 28)),
            "mode": pa.array(["L"] * rows),
            **{
                name: pa.array(rng.random(rows))
                for name in ("brightness", "contrast", "sharpness", "saturation")
            },
        }
    )
    scores = Scores(ids, np.arange(rows) % classes, probabilities)
    embedding = rng.normal(size=(rows, dimensions)).astype(np.float32)
    outputs = Outputs(probabilities, embedding, rng.random(rows).astype(np.float32))
    write_reference(path / REFERENCE, statistics, scores, outputs)


@pytest.fixture(scope="session")
def make_bundle_reference():
    return write_drawn_reference
