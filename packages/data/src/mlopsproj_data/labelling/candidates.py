"""Predictions that nobody labelled yet and whose image is kept, read from the log in one pass.

Of however many there are, those that are most uncertain and those that are farthest from what the
model knows are held, each image once. Knows nothing of which of them are chosen.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
import numpy.typing as npt
from mlopsproj_records import Database
from mlopsproj_records.pages import PredictionPage

from mlopsproj_data.labelling.confirmed import read_confirmations

Floats = npt.NDArray[np.float64]

_SAMPLE: Final = 20_000
"""Predictions of the log, drawn evenly, that others are ranked among."""

_SEED: Final = 0


@dataclass(frozen=True, slots=True)
class Candidate:
    """A prediction that may be worth a label.

    Attributes:
        prediction_id: of the prediction.
        time: of it, UTC.
        sha256: of its image, hexadecimal.
        image_url: where the image is kept.
        margin: between the two largest probabilities, 0 (undecided) to 1.
        ood_score: larger is farther from the training data; NaN if there is none.
        embedding: `(D,)` float16.
    """

    prediction_id: str
    time: datetime
    sha256: str
    image_url: str
    margin: float
    ood_score: float
    embedding: npt.NDArray[np.float16]


@dataclass(frozen=True)
class Candidates:
    """The best ones, and what they are compared with.

    Attributes:
        found: each image once.
        margins: of a sample of all predictions, ascending.
        ood_scores: the same, without those that are none.
        predictions: that were read.
        labelled: of these, whose image has a label.
        without_image: of the others, whose image is not kept.
    """

    found: tuple[Candidate, ...]
    margins: Floats
    ood_scores: Floats
    predictions: int
    labelled: int
    without_image: int


def read_candidates(
    database: Database,
    model: str,
    version: int,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    most: int,
) -> Candidates:
    """Read the log of one version, since embeddings of two cannot be compared.

    Args:
        database: of the prediction log.
        model: name of it.
        version: of it.
        since: only predictions from this time on.
        until: only predictions before this time.
        most: candidates that are held for each of the two reasons.

    Raises:
        RecordsError: if the database cannot be read.
    """
    known = {image.sha256 for image in read_confirmations(database, model).images}
    uncertain, strange = _Best(most), _Best(most)
    sample = _Sample(_SAMPLE)
    predictions = labelled = without_image = 0
    for page in database.pages(model=model, version=version, since=since, until=until):
        margins = _margins(page)
        sample.add(margins, page.ood_scores)
        told = np.fromiter((sha256 in known for sha256 in page.image_sha256), np.bool_, len(page))
        kept = np.fromiter((url is not None for url in page.image_urls), np.bool_, len(page))
        predictions += len(page)
        labelled += int(told.sum())
        without_image += int((~told & ~kept).sum())
        usable = ~told & kept
        uncertain.add(page, margins, np.where(usable, 1 - margins, -np.inf))
        scores = np.where(usable, page.ood_scores, -np.inf)
        strange.add(page, margins, np.where(np.isnan(scores), -np.inf, scores))
    together = uncertain.held() | strange.held()
    found = tuple(together[sha256] for sha256 in sorted(together))
    margins, ood_scores = sample.columns()
    return Candidates(found, margins, ood_scores, predictions, labelled, without_image)


def _margins(page: PredictionPage) -> Floats:
    """Between the two largest probabilities of each; 1 where a model has one class only."""
    return np.fromiter(map(_margin, page.probabilities), np.float64, len(page))


def _margin(probabilities: bytes) -> float:
    values = np.sort(np.frombuffer(probabilities, "<f4"))
    return float(values[-1] - values[-2]) if len(values) > 1 else 1.0


class _Best:
    """The images of the largest scores, of which one that comes again counts once."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._held: dict[str, tuple[float, Candidate]] = {}
        self._least = -np.inf

    def add(self, page: PredictionPage, margins: Floats, scores: Floats) -> None:
        """Take of a page what is better than what is held; a score of minus infinity never is."""
        for row in np.flatnonzero(scores > self._least).tolist():
            sha256, url = page.image_sha256[row], page.image_urls[row]
            before = self._held.get(sha256)
            if url is None or (before is not None and before[0] >= scores[row]):
                continue
            self._held[sha256] = float(scores[row]), _candidate(page, row, url, margins[row])
            if len(self._held) >= 2 * self._most:
                self._cut()

    def held(self) -> dict[str, Candidate]:
        """By the sha256 of the image."""
        self._cut()
        return {sha256: candidate for sha256, (_, candidate) in self._held.items()}

    def _cut(self) -> None:
        best = sorted(self._held.items(), key=lambda item: (-item[1][0], item[0]))[: self._most]
        self._held = dict(best)
        if len(best) == self._most:
            self._least = best[-1][1][0]


def _candidate(page: PredictionPage, row: int, url: str, margin: float) -> Candidate:
    return Candidate(
        page.ids[row],
        page.times[row],
        page.image_sha256[row],
        url,
        float(margin),
        float(page.ood_scores[row]),
        np.frombuffer(page.embeddings[row], "<f2"),
    )


class _Sample:
    """Some rows of a stream, each with the same chance (Vitter 1985, algorithm R)."""

    def __init__(self, size: int) -> None:
        self._rows = np.empty((size, 2))
        self._seen = 0
        self._rng = np.random.default_rng(_SEED)

    def add(self, margins: Floats, ood_scores: Floats) -> None:
        size = len(self._rows)
        rows = np.stack([margins, ood_scores], axis=1)
        direct = min(max(0, size - self._seen), len(rows))
        self._rows[self._seen : self._seen + direct] = rows[:direct]
        orders = self._seen + np.arange(direct, len(rows))
        places = (self._rng.random(len(orders)) * (orders + 1)).astype(np.int64)
        for row, place in zip(rows[direct:], places, strict=True):
            if place < size:
                self._rows[place] = row
        self._seen += len(rows)

    def columns(self) -> tuple[Floats, Floats]:
        """Margins and scores, ascending."""
        rows = self._rows[: min(self._seen, len(self._rows))]
        margins, scores = (np.sort(column[~np.isnan(column)]) for column in rows.T)
        return margins, scores
