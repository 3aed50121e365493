"""The chosen variant, scored on test images once, into the registry beside its parent.

Knows nothing of how it was chosen.
"""

import logging
import shutil
from dataclasses import asdict
from typing import Any

from mlopsproj_core.actor import current_actor
from mlopsproj_core.bundle import EVALUATION, MODEL, Bundle
from mlopsproj_core.cpu import instruction_sets
from mlopsproj_core.errors import BundleError
from mlopsproj_core.registry import CANDIDATE, ModelVersion, Registry
from mlopsproj_evaluation import Scores, Verdict, compare
from mlopsproj_models.export import compare_probabilities

from mlopsproj_train.bundling import judge_graph, judge_robustness, seal_judged
from mlopsproj_train.optimizing.choice import Choice
from mlopsproj_train.optimizing.climbing import variant_config
from mlopsproj_train.optimizing.workshop import Workshop

logger = logging.getLogger(__name__)

CHOSEN = "chosen"
"""Folder of the chosen variant in that of its climb."""


def publish_chosen(workshop: Workshop, registry: Registry, choice: Choice) -> dict[str, Any]:
    """Score the chosen variant on test images, seal it with its parent, and publish it.

    Args:
        workshop: that it was made in.
        registry: that holds the parent.
        choice: that took a variant.

    Returns:
        JSON-ready: the version that was `published`, and what the `test` says. Of a variant that
        is shown there to lose more than the budget, none is published.

    Raises:
        RegistryError: if the registry refuses or cannot be reached.
    """
    variant, parent = choice.variant, workshop.parent
    assert variant is not None  # noqa: S101 (what the caller promised)
    folder = workshop.folder / CHOSEN
    folder.mkdir()
    shutil.copyfile(workshop.bundle(variant.name) / MODEL, folder / MODEL)
    judged = judge_graph(folder, parent.dataset, "test", title="judging the chosen one on test")
    expected = Scores.read(parent.bundle.path / EVALUATION)
    tested = compare(judged.scores, expected, margin=workshop.config.budget)
    details = workshop.outcomes[variant.name].details
    bundle = seal_judged(
        folder,
        parent.dataset,
        judged,
        parity=compare_probabilities(
            expected.probabilities, judged.scores.probabilities, reference=str(parent.version)
        ),
        config=variant_config(
            workshop,
            variant.name,
            {
                **details,
                "speedup": variant.speedup.median,
                "instruction_sets": list(instruction_sets()),
            },
        ),
        parent=str(parent.version),
        robustness=judge_robustness(folder, parent.dataset, judged),
    )
    reason = f"{variant.name} of {parent.version}, {variant.speedup.median:.2f} times as fast"
    if choice.verdict is Verdict.undecided:
        reason += f"; undecided, accepted: {workshop.config.accept_undecided}"
    accuracy = bundle.manifest.metrics["accuracy"].model_dump()
    test = {"accuracy": accuracy, "comparison": asdict(tested)}
    if tested.verdict is Verdict.failed:
        return {"published": None, "test": test}
    return {"published": str(publish_variant(bundle, registry, reason=reason)), "test": test}


def publish_variant(bundle: Bundle, registry: Registry, *, reason: str) -> ModelVersion:
    """Publish a variant and point the candidate at it; the same one is not published twice.

    Args:
        bundle: sealed, with its parent's version.
        registry: that holds the parent.
        reason: told in the alias's history.

    Raises:
        RegistryError: if the registry refuses or cannot be reached.
    """
    version = _published_before(bundle, registry)
    if version is None:
        version = registry.publish(bundle)
    else:
        logger.info("%s holds the same graph already", version)
    moves = registry.history(version.name, CANDIDATE)
    if not moves or moves[-1].version != version.number:
        registry.move_alias(
            version.name, CANDIDATE, version.number, actor=current_actor(), reason=reason
        )
    return version


def _published_before(bundle: Bundle, registry: Registry) -> ModelVersion | None:
    """The version that a climb published which then was interrupted, or is climbed again."""
    ours = bundle.manifest
    for number in reversed(registry.versions(ours.name)):
        version = ModelVersion(ours.name, number)
        try:
            theirs = registry.manifest(version)
        except BundleError as error:
            logger.warning("warning: %s is passed over: %s", version, error)
            continue
        if theirs.parent == ours.parent and theirs.files.get(MODEL) == ours.files[MODEL]:
            return version
    return None
