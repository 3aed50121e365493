"""Who stands against whom: a candidate, the version in place, and the one it was made from.

Knows nothing of verdicts, nor of where versions and images lie.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from mlopsproj_core.bundle import EVALUATION, MODEL, ROBUSTNESS, TRAINING_IDS, Bundle
from mlopsproj_core.errors import BundleCorruptError
from mlopsproj_core.labelled import LabelledImages
from mlopsproj_core.predictor import Predictor

from mlopsproj_evaluation.gates.limits import GateLimits
from mlopsproj_evaluation.pairs import Pairs, pair
from mlopsproj_evaluation.robustness.measuring import measure_robustness
from mlopsproj_evaluation.robustness.outcomes import Robustness
from mlopsproj_evaluation.scores import Scores

FindTestImages = Callable[[str], LabelledImages | None]
"""Gives the test images of the prepared data set with a fingerprint; None where it has none."""


@dataclass(frozen=True, eq=False)
class Side:
    """A version that can be judged.

    Attributes:
        name: `name:version`, or the name of the model where it has no version.
        bundle: whole.
        evaluation: its own scores.
        scores: that are compared: its evaluation, or made again on other images.
        trained_on: first eight bytes of the ids of the images that it was trained or chosen on.
        robustness: under corruptions; None where it was never measured.
    """

    name: str
    bundle: Bundle
    evaluation: Scores
    scores: Scores
    trained_on: npt.NDArray[np.uint64]
    robustness: Robustness | None

    @classmethod
    def of(cls, bundle: Bundle, *, name: str | None = None, scores: Scores | None = None) -> "Side":
        """Read what a bundle was judged and trained on.

        Args:
            bundle: whole.
            name: `name:version`; the name of the model unless given.
            scores: of other images than its own evaluation is of.

        Raises:
            BundleCorruptError: if one of its tables cannot be read, or is of other classes.
        """
        measured = ROBUSTNESS in bundle.manifest.files
        evaluation = _own_scores(bundle)
        return cls(
            name=name or bundle.manifest.name,
            bundle=bundle,
            evaluation=evaluation,
            scores=evaluation if scores is None else scores,
            trained_on=training_ids(bundle),
            robustness=Robustness.read(bundle.path / ROBUSTNESS) if measured else None,
        )

    def pairs_with(self, other: "Side") -> Pairs:
        """The images that both were judged on, less those that either was trained on.

        Raises:
            DataError: if they tell different numbers of classes apart.
        """
        return pair(self.scores, other.scores, exclude_ids=self.seen_with(other))

    def seen_with(self, other: "Side") -> npt.NDArray[np.uint64]:
        """What either was trained on: nobody is judged on what it has seen."""
        return np.union1d(self.trained_on, other.trained_on)

    def counted_with(self, other: "Side") -> int:
        """How many of its own test images count, whether the other was judged on them or not."""
        return int((~np.isin(self.scores.short_ids, self.seen_with(other))).sum())

    def same_graph_as(self, other: "Side") -> bool:
        """Whether both have one graph, byte for byte, and give it the same pixels."""
        ours, theirs = self.bundle.manifest, other.bundle.manifest
        return (ours.files[MODEL], ours.image) == (theirs.files[MODEL], theirs.image)


def measure_side(side: Side, images: LabelledImages) -> Robustness:
    """Spoil images, and see what a version says of them.

    Raises:
        BundleError: if it is damaged, or its graph fails.
        ImageError: if the images are of another size than it takes.
        DataError: if there is none.
    """
    return measure_robustness(Predictor.load(side.bundle.path).run, images)


@dataclass(frozen=True)
class Absent:
    """A version that cannot be judged: it is broken, or gone.

    Attributes:
        name: `name:version`.
        reason: in a sentence.
    """

    name: str
    reason: str


@dataclass(frozen=True, eq=False)
class Contest:
    """What the gates are given.

    Attributes:
        candidate: that wants to take the place.
        champion: that holds it; None for the first version of a model.
        parent: that the candidate was made from; None where it was trained, or nobody looked.
        limits: what is accepted.
        find_test_images: gives the images that a bundle was tested on, where they are at hand.
        measure: measures a side under corruptions; may remember what it measured.
    """

    candidate: Side
    champion: Side | Absent | None
    parent: Side | Absent | None
    limits: GateLimits
    find_test_images: FindTestImages | None
    measure: Callable[[Side, LabelledImages], Robustness] = measure_side


def _own_scores(bundle: Bundle) -> Scores:
    scores = Scores.read(bundle.path / EVALUATION)
    told, named = scores.probabilities.shape[1], len(bundle.manifest.classes)
    if told != named:
        raise BundleCorruptError(
            f"{bundle.path / EVALUATION} tells {told} classes apart and the manifest names {named}:"
            " make the bundle again from one run."
        )
    return scores


def training_ids(bundle: Bundle) -> npt.NDArray[np.uint64]:
    """First eight bytes of the ids of the images that a bundle was trained or chosen on.

    Raises:
        BundleCorruptError: if they cannot be read.
    """
    path = bundle.path / TRAINING_IDS
    try:
        with path.open("rb") as file:
            found = np.lib.format.read_array(file, allow_pickle=False)
    except (OSError, ValueError, MemoryError) as error:
        raise BundleCorruptError(
            f"{path} cannot be read ({error}): fetch or publish the bundle again."
        ) from error
    if found.dtype != np.uint64 or found.ndim != 1:
        raise BundleCorruptError(
            f"{path} holds no list of uint64: fetch or publish the bundle again."
        )
    return np.asarray(found)
