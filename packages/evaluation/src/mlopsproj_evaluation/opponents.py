"""Versions that a candidate is held against, fetched from the registry and scored on its images.

Knows nothing of gates.
"""

import logging
from dataclasses import replace

from mlopsproj_core.bundle import Bundle
from mlopsproj_core.errors import (
    BundleError,
    DataError,
    ImageError,
    ProbeError,
    RegistryError,
)
from mlopsproj_core.predictor import Predictor
from mlopsproj_core.registry import ModelVersion, Registry

from mlopsproj_evaluation.gates.contest import Absent, FindTestImages, Side
from mlopsproj_evaluation.scores import Scores, score

logger = logging.getLogger(__name__)


class Opponents:
    """Whom one candidate is held against; each version is verified, loaded and scored once."""

    def __init__(
        self, registry: Registry, candidate: Side, find_test_images: FindTestImages | None
    ) -> None:
        """Look for them in a registry.

        Args:
            registry: that holds them.
            candidate: that is held against them.
            find_test_images: gives the candidate's, to score others on where they were tested on
                others.
        """
        self._registry = registry
        self._candidate = candidate
        self._find_test_images = find_test_images
        self._found: dict[ModelVersion, Side | Absent] = {}

    def champion(self, version: ModelVersion | None) -> Side | Absent | None:
        """The version in place; None where there is none."""
        return None if version is None else self._remember(version)

    def parent(self) -> Side | Absent | None:
        """The version that it was made from, as its manifest says; None where it was trained."""
        reference = self._candidate.bundle.manifest.parent
        if not reference:
            return None
        try:
            version = self._registry.resolve(reference)
        except RegistryError as error:
            return Absent(reference, str(error))
        return self._remember(version)

    def _remember(self, version: ModelVersion) -> Side | Absent:
        if version not in self._found:
            self._found[version] = self._open(version)
        return self._found[version]

    def _open(self, version: ModelVersion) -> Side | Absent:
        try:
            side = open_side(self._registry, version)
            return on_images_of(self._candidate, side, self._find_test_images)
        except (BundleError, RegistryError) as error:
            return Absent(str(version), str(error))
        except (DataError, ImageError) as error:  # e.g. a graph that gives what is no number
            reason = f"it cannot be scored on the candidate's test images: {error}"
            return Absent(str(version), reason)


def open_side(registry: Registry, version: ModelVersion) -> Side:
    """A version of the registry, verified.

    Raises:
        NotFoundError: if there is no such version.
        BundleError: if it is damaged, or of another release.
        RegistryError: if a file is missing, or the registry cannot be reached.
    """
    bundle = Bundle.open(registry.fetch(version))
    bundle.verify()
    return Side.of(bundle, name=str(version))


def on_images_of(candidate: Side, side: Side, find_test_images: FindTestImages | None) -> Side:
    """`side`, scored again on the candidate's test images where it was tested on others.

    As it was where that is not needed, or the images are not at hand: then the two are compared on
    the images that both were judged on, if there are any.

    Raises:
        BundleError: if the graph of `side` fails.
        DataError: if it gives no probabilities.
        ImageError: if the images are of another size than it takes.
    """
    scores = _score_again(side, candidate, find_test_images) if find_test_images else None
    return side if scores is None else replace(side, scores=scores)


def _score_again(side: Side, candidate: Side, find_test_images: FindTestImages) -> Scores | None:
    """None where that is not needed, or cannot be had."""
    if set(candidate.scores.ids) <= set(side.scores.ids):
        return None
    ours, theirs = candidate.bundle.manifest, side.bundle.manifest
    if (ours.image, ours.classes) != (theirs.image, theirs.classes):
        return None
    images = find_test_images(ours.data.fingerprint)
    if images is None:
        logger.warning(
            "%s was tested on other images, and the candidate's data set (fingerprint %s) is not"
            " here: they are compared on the images that both were tested on. Prepare it, or name"
            " --prepared-dir.",
            side.name,
            ours.data.fingerprint[:12],
        )
        return None
    try:
        predictor = Predictor.load(side.bundle.path)
    except ProbeError as error:
        logger.warning("%s is not scored again: %s", side.name, error)
        return None
    logger.info("scoring %s again on the candidate's test images", side.name)
    return score(predictor.run, images)[0]
