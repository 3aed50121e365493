"""A model with a real reference, and a log of its answers: like the reference, or not.

The small bundle's graph sees images of noise around a brightness; what it answers is what the
service would log. Knows nothing of the monitor.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
from mlopsproj_core import Bundle
from mlopsproj_core.bundle import MODEL, REFERENCE
from mlopsproj_core.image import prepare_images
from mlopsproj_core.onnx_graph import OnnxGraph
from mlopsproj_core.outputs import Outputs
from mlopsproj_core.registry import Registry
from mlopsproj_evaluation.reference import STATISTICS, write_reference
from mlopsproj_evaluation.scores import Scores
from mlopsproj_records.database import Database
from mlopsproj_records.identifiers import uuid7
from mlopsproj_records.record import FeedbackRecord, PredictionRecord
from small_bundle import CLASSES, SPEC, make_small_bundle

NAME = "brightness"
REFERENCE_IMAGES = 600
DARKER = 0.5
"""What brightness is multiplied with, of images that drifted."""


def images(count: int, *, seed: int, scale: float = 1.0) -> np.ndarray:
    """`(count, 28, 28)` uint8: noise around a brightness that differs from image to image."""
    rng = np.random.default_rng(seed)
    levels = rng.uniform(0.2, 0.8, (count, 1, 1)) * scale
    return np.clip(255 * levels + rng.normal(0, 20, (count, 28, 28)), 0, 255).astype(np.uint8)


def answers(graph: OnnxGraph, pixels: np.ndarray) -> tuple[Outputs, list[dict]]:
    """What the graph says of images, and their statistics."""
    prepared = prepare_images(list(pixels), SPEC)
    outputs = graph.run(np.stack([each.pixels for each in prepared]))
    return outputs, [each.statistics.as_dict() for each in prepared]


def make_bundle(folder: Path, *, name: str = NAME, reference_images: int = REFERENCE_IMAGES):
    """A bundle with a reference; its model is right on nine images of ten."""

    def fill(made: Path) -> None:
        graph = OnnxGraph(made / MODEL, SPEC, len(CLASSES))
        outputs, statistics = answers(graph, images(reference_images, seed=1))
        labels = outputs.probabilities.argmax(axis=1)
        labels[::10] = 1 - labels[::10]
        columns = {
            key: pa.array([row[key] for row in statistics], kind)
            for key, kind in STATISTICS.items()
        }
        ids = tuple(hashlib.sha256(str(row).encode()).hexdigest() for row in range(len(labels)))
        write_reference(
            made / REFERENCE,
            pa.table(columns),
            Scores(ids, labels.astype(np.int64), outputs.probabilities),
            outputs,
        )

    return make_small_bundle(folder, name=name, fill=fill)


def _id(time: datetime) -> str:
    """One that says when it was made."""
    digits = f"{int(time.timestamp() * 1000):012x}"
    return f"{digits[:8]}-{digits[8:]}{uuid7()[13:]}"


@dataclass
class World:
    """A folder with a registry and a database, in which models answer.

    Attributes:
        folder: of all.
        database_url: of the log.
        now: time of the next prediction; each comes a second after the last one.
    """

    folder: Path
    database_url: str = ""
    now: datetime = field(default_factory=lambda: datetime.now(UTC) - timedelta(hours=2))

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.database_url = self.database_url or f"sqlite:///{self.folder / 'mlopsproj.db'}"
        self.registry = Registry(str(self.folder / "registry"))
        self._seed = 100

    def publish(self, bundle: Bundle, *aliases: str) -> int:
        """Add a version; its number."""
        version = self.registry.publish(bundle)
        for alias in aliases:
            self.registry.move_alias(
                version.name, alias, version.number, actor="test", reason="published"
            )
        return version.number

    def predict(
        self, bundle: Bundle, count: int, *, version: int = 1, scale: float = 1.0
    ) -> list[str]:
        """Log answers to so many new images; their ids."""
        records = self.records(bundle, count, version=version, scale=scale)
        self.insert(records)
        return [record.id for record in records]

    def records(
        self, bundle: Bundle, count: int, *, version: int = 1, scale: float = 1.0
    ) -> list[PredictionRecord]:
        """Answers to so many new images, not logged yet."""
        if not count:
            return []
        self._seed += 1
        pixels = images(count, seed=self._seed, scale=scale)
        outputs, statistics = answers(OnnxGraph(bundle.path / MODEL, SPEC, len(CLASSES)), pixels)
        records = []
        for row in range(count):
            self.now += timedelta(seconds=1)
            probabilities = outputs.probabilities[row]
            best = int(probabilities.argmax())
            records.append(
                PredictionRecord(
                    id=_id(self.now),
                    time=self.now,
                    model=bundle.manifest.name,
                    version=version,
                    top_k=((CLASSES[best], float(probabilities[best])),),
                    probabilities=probabilities.astype("<f4").tobytes(),
                    embedding=outputs.embedding[row].astype("<f2").tobytes(),
                    ood_score=float(outputs.ood_score[row]),
                    statistics=statistics[row],
                    latency_ms={},
                    request_id="test",
                    image_sha256=hashlib.sha256(pixels[row].tobytes()).hexdigest(),
                )
            )
        return records

    def label(self, ids: Iterable[str], label: str) -> None:
        """Say what some images truly are."""
        self.insert([FeedbackRecord(uuid7(), id_, label, "test", self.now) for id_ in ids])

    def insert(self, records) -> None:
        with Database(self.database_url) as database:
            assert not database.insert(records)
