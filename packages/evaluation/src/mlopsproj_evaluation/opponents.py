"""Versions that a candidate is held against, fetched from the registry and scored on its images.

Knows nothing of gates.
"""

import logging
from dataclasses import replace

from mlopsproj_core.bundle import Bundle
from mlopsproj_core.errors import BundleError, ProbeError, RegistryError
from mlopsproj_core.predictor import Predictor
from mlopsproj_core.registry import ModelVersion, Registry

from mlopsproj_evaluation.gates.contest import Absent, FindTestImages, Side
from mlopsproj_evaluation.scores import Scores, score

logger = logging.getLogger(__name__)


def find_champion(
    registry: Registry,
    champion: ModelVersion | None,
    candidate: Side,
    find_test_images: FindTestImages | None,
) -> Side | Absent | None:
    """The version in place; None where there is none.

    Args:
        registry: that holds it.
        champion: that the alias points at.
        candidate: that it is held against.
        find_test_images: gives the candidate's, to score it on where it was tested on others.
    """
    if champion is None:
        return None
    return _find(registry, str(champion), candidate, find_test_images)


def find_parent(
    registry: Registry, candidate: Side, find_test_images: FindTestImages | None
) -> Side | Absent | None:
    """The version that a candidate was made from, as its manifest says; None where it was trained.

    Args:
        registry: that holds both.
        candidate: that is held against it.
        find_test_images: gives the candidate's, to score the parent on where it was tested on
            others.
    """
    parent = candidate.bundle.manifest.parent
    return _find(registry, parent, candidate, find_test_images) if parent else None


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
    """
    scores = _score_again(side, candidate, find_test_images) if find_test_images else None
    return side if scores is None else replace(side, scores=scores)


def _find(
    registry: Registry, reference: str, candidate: Side, find_test_images: FindTestImages | None
) -> Side | Absent:
    try:
        side = open_side(registry, registry.resolve(reference))
        return on_images_of(candidate, side, find_test_images)
    except (BundleError, RegistryError) as error:
        return Absent(reference, str(error))


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
