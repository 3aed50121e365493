"""A prediction log made up image by image: a SQLite file, a store of images, labels of people.

For tests of whatever reads it; needs mlopsproj_records.
"""

import hashlib
import io
import math
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from mlopsproj_records import Database, FeedbackRecord, PredictionRecord, uuid7
from mlopsproj_records.images import ImageStore
from PIL import Image

BEGIN = datetime(2026, 11, 1, tzinfo=UTC)


def png(pixels) -> bytes:
    """uint8 `(height, width)` or `(height, width, 3)` as a PNG file."""
    buffer = io.BytesIO()
    Image.fromarray(np.asarray(pixels, np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def random_png(seed: int, *, side: int = 40, low: int = 0) -> bytes:
    rng = np.random.default_rng(seed)
    return png(rng.integers(low, low + 128, (side, side, 3), dtype=np.uint8))


@dataclass
class LabelledLog:
    """A log in a folder; each thing happens a minute after the last one.

    What happened is written, all at once, when its `url` is asked for.
    """

    folder: Path
    model: str = "made"
    now: datetime = BEGIN
    database_url: str | None = None
    pending: list = field(default_factory=list)
    store: ImageStore = field(init=False)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.store = ImageStore(str(self.folder / "images"))

    @property
    def url(self) -> str:
        url = self.database_url or f"sqlite:///{self.folder / 'log.db'}"
        with Database(url) as database:
            assert not database.insert(self.pending)
        self.pending.clear()
        return url

    def tick(self) -> datetime:
        self.now += timedelta(minutes=1)
        return self.now

    def predict(
        self,
        image: bytes,
        *,
        model: str | None = None,
        version: int = 1,
        kept: bool = True,
        probabilities=(0.6, 0.4),
        embedding=(0.0, 0.0),
        ood_score: float = 0.0,
        shadow_of: str | None = None,
        classes=("bright", "dark"),
    ) -> str:
        """Log a prediction; its id."""
        sha256 = hashlib.sha256(image).hexdigest()
        url = self.store.keep(sha256, image) if kept else None
        order = np.argsort(probabilities)[::-1]
        record = PredictionRecord(
            id=uuid7(),
            time=self.tick(),
            model=model or self.model,
            version=version,
            top_k=tuple((classes[i], float(probabilities[i])) for i in order),
            probabilities=np.asarray(probabilities, "<f4").tobytes(),
            embedding=np.asarray(embedding, "<f2").tobytes(),
            ood_score=math.nan if ood_score is None else ood_score,
            statistics={"width": 40},
            latency_ms={},
            request_id="request",
            image_sha256=sha256,
            image_url=url,
            shadow_of=shadow_of,
        )
        self.pending.append(record)
        return record.id

    def tell(self, prediction_id: str, label: str, *, actor: str = "anna") -> datetime:
        """Log a label; when."""
        record = FeedbackRecord(uuid7(), prediction_id, label, actor, self.tick())
        self.pending.append(record)
        return record.time

    def confirm(self, image: bytes, label: str, *, actor: str = "anna", **options) -> str:
        """Log a prediction and its label; the prediction's id."""
        prediction_id = self.predict(image, **options)
        self.tell(prediction_id, label, actor=actor)
        return prediction_id

    def stored_file(self, image: bytes) -> Path:
        """Where the store keeps an image."""
        (path,) = self.folder.joinpath("images").rglob(f"{hashlib.sha256(image).hexdigest()}*")
        return path
