"""A registry of small bundles whose evaluations are made up image by image.

For tests of whatever judges, moves or follows versions; needs mlopsproj_evaluation and onnx.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import numpy as np
from mlopsproj_core.bundle import EVALUATION, ROBUSTNESS, TRAINING_IDS
from mlopsproj_core.manifest import Parity
from mlopsproj_core.registry import ModelVersion, Registry
from mlopsproj_evaluation import Robustness, Scores
from mlopsproj_evaluation.corruptions.catalogue import CORRUPTIONS, SUITE
from small_bundle import GRAPH, make_small_bundle

PARITY = Parity(reference="torch", images=100, disagreements=0, max_difference=1e-6)


def right(number: int, of: int) -> np.ndarray:
    """Of so many images the first are right."""
    return np.arange(of) < number


def as_training_ids(ids: Sequence[str]) -> np.ndarray:
    return np.sort(np.array([int(name[:16], 16) for name in ids], np.uint64))


def made_up_scores(
    correct: Sequence[bool], ids: Sequence[str], labels: Sequence[int] | None = None
) -> Scores:
    """An evaluation in which each image is right or wrong as `correct` says."""
    truth = np.arange(len(ids)) % 2 if labels is None else np.asarray(labels, np.int64)
    predicted = np.where(correct, truth, 1 - truth)
    probabilities = np.where(np.arange(2) == predicted[:, None], 0.9, 0.1).astype(np.float32)
    return Scores(tuple(ids), truth, probabilities)


def made_up_robustness(correct: Sequence[bool], ids: Sequence[str]) -> Robustness:
    """Measurements in which an image is right under every corruption, or under none."""
    shape = len(ids), len(CORRUPTIONS)
    return Robustness(
        ids=tuple(ids),
        corruptions=tuple(CORRUPTIONS),
        clean=np.asarray(correct, np.bool_),
        correct=np.broadcast_to(np.asarray(correct, np.bool_)[:, None], shape),
        severities=np.ones(shape, np.int8),
        suite=SUITE,
        seed=0,
    )


@dataclass(frozen=True)
class Shop:
    """A registry and the folder in which its bundles are made."""

    registry: Registry
    scratch: Path
    numbers: count = field(default_factory=count)

    @staticmethod
    def ids(number: int, *, start: int = 0) -> tuple[str, ...]:
        """Ids of imagined images; the same place gives the same id."""
        places = range(start, start + number)
        return tuple(hashlib.sha256(str(place).encode()).hexdigest() for place in places)

    def publish(
        self,
        correct: Sequence[bool] = (True,) * 100,
        *,
        ids: Sequence[str] | None = None,
        labels: Sequence[int] | None = None,
        trained_on: Sequence[str] = (),
        name: str = "brightness",
        parity: Parity | None = PARITY,
        fingerprint: str = "0" * 64,
        parent: str | None = None,
        graph: str = GRAPH,
        robust: Sequence[bool] | None = None,
    ) -> ModelVersion:
        """A new version; its evaluation is right where `correct` says.

        Under corruptions it is right everywhere unless `robust` says where; nowhere measured if
        that is empty. A parity is of as many images as the evaluation.
        """
        scores = made_up_scores(correct, ids or self.ids(len(correct)), labels)
        held_out = (True,) * len(scores) if robust is None else robust

        def fill(folder: Path) -> None:
            scores.write(folder / EVALUATION)
            np.save(folder / TRAINING_IDS, as_training_ids(trained_on), allow_pickle=False)
            if len(held_out):
                made_up_robustness(held_out, scores.ids).write(folder / ROBUSTNESS)

        if parity is not None:
            parity = parity.model_copy(update={"images": len(scores)})
        folder = self.scratch / f"bundle-{next(self.numbers)}"
        bundle = make_small_bundle(
            folder,
            name=name,
            parity=parity,
            fingerprint=fingerprint,
            counts={"train": len(trained_on), "test": len(scores)},
            parent=parent,
            graph=graph,
            fill=fill,
        )
        return self.registry.publish(bundle)

    def put(self, version: ModelVersion, alias: str = "production") -> None:
        """Point an alias at a version, without judging it."""
        self.registry.move_alias(
            version.name, alias, version.number, actor="test", reason="put there"
        )

    def pointed_at(self, alias: str = "production", name: str = "brightness") -> int:
        return self.registry.aliases(name)[alias].version

    def file(self, version: ModelVersion, name: str) -> Path:
        """Where a file of a version lies."""
        return Path(self.registry.url) / version.name / "versions" / str(version.number) / name

    def damage(self, version: ModelVersion, name: str) -> None:
        with self.file(version, name).open("ab") as file:
            file.write(b"damage")

    def rewrite_manifest(self, version: ModelVersion, **values: object) -> None:
        path = self.file(version, "manifest.json")
        path.write_text(json.dumps({**json.loads(path.read_text()), **values}))
