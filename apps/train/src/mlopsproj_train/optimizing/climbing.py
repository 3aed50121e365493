"""A ladder is climbed: each rung is made, judged on validation images and sealed, or skipped.

A rung that was done before, from the same model, data and settings, is not done again; one that
was skipped is tried again. Knows nothing of speed and choice.
"""

import errno
import hashlib
import json
import logging
import shutil
import time
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

from mlopsproj_core.bundle import MODEL, Bundle
from mlopsproj_core.errors import BundleError, MlopsprojError
from mlopsproj_evaluation import Scores
from mlopsproj_models.compression.sensitivity import divergence
from mlopsproj_models.export import compare_probabilities

from mlopsproj_train.bundling import judge_graph, seal_judged
from mlopsproj_train.optimizing.ladder import Rung
from mlopsproj_train.optimizing.workshop import BASELINE, Outcome, Workshop

logger = logging.getLogger(__name__)

_FOLLOWS_FROM = (
    *("mlopsproj-models", "mlopsproj-train", "numpy", "onnx", "onnx-ir", "onnxruntime"),
    *("pytorch-lightning", "torch", "torch-pruning"),
)


def climb(workshop: Workshop, ladder: Sequence[Rung]) -> None:
    """Try every rung; what comes of each stands in `workshop.outcomes`.

    Args:
        workshop: without outcomes yet.
        ladder: the parent's own graph first.

    Raises:
        MlopsprojError: if the parent's own graph cannot be judged.
    """
    for number, rung in enumerate(ladder, start=1):
        key = _key(workshop, rung)
        done = _done_before(workshop, rung.name, key)
        if done is not None:
            logger.info("%d of %d, %s: done before", number, len(ladder), rung.name)
        else:
            logger.info("%d of %d, %s", number, len(ladder), rung.name)
            done = _try(workshop, rung, key)
        if done.reason is not None:
            logger.warning("warning: %s is skipped: %s", rung.name, done.reason)
        workshop.outcomes[rung.name] = done


def _try(workshop: Workshop, rung: Rung, key: str) -> Outcome:
    folder, bundle = workshop.rung(rung.name), workshop.bundle(rung.name)
    begun = folder / "key"
    # A training that was interrupted goes on; what is left of other settings goes.
    if folder.exists() and (not begun.exists() or begun.read_text(encoding="utf-8") != key):
        shutil.rmtree(folder)
    if bundle.exists():
        shutil.rmtree(bundle)
    bundle.mkdir(parents=True)
    begun.write_text(key, encoding="utf-8")
    start = time.monotonic()
    try:
        details = rung.build(workshop, bundle / MODEL)
        details |= _judge_and_seal(workshop, rung.name, details)
    except Exception as error:
        if rung.name == BASELINE or _ends_everything(error):
            raise
        shutil.rmtree(bundle, ignore_errors=True)
        logger.debug("%s failed", rung.name, exc_info=True)
        # Of torch and onnxruntime, which have no common root, the kind tells more than the text.
        ours = isinstance(error, MlopsprojError)
        reason = str(error) if ours else f"{type(error).__name__}: {error}"
        return Outcome(key, reason, {}, time.monotonic() - start)
    outcome = Outcome(key, None, details, time.monotonic() - start)
    outcome.write(folder / "outcome.json")
    return outcome


def _ends_everything(error: Exception) -> bool:
    """Whether no other rung could be made either."""
    return isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}


def _judge_and_seal(workshop: Workshop, name: str, details: dict[str, Any]) -> dict[str, Any]:
    """Make a bundle of a graph, whose figures are those of validation images."""
    bundle, dataset = workshop.bundle(name), workshop.parent.dataset
    judged = judge_graph(bundle, dataset, "validation", title=f"judging {name}")
    probabilities = judged.scores.probabilities
    expected = probabilities
    if name != BASELINE:
        expected = Scores.read(workshop.bundle(BASELINE) / "evaluation.parquet").probabilities
    found = {"divergence": divergence(expected, probabilities)}
    parity = compare_probabilities(expected, probabilities, reference=str(workshop.parent.version))
    seal_judged(
        bundle,
        dataset,
        judged,
        parity=parity,
        config=variant_config(workshop, name, details | found),
        parent=str(workshop.parent.version),
    )
    return found


def variant_config(workshop: Workshop, name: str, details: dict[str, Any]) -> dict[str, Any]:
    """What a variant's manifest tells of how it was made, beside what its parent's tells.

    Args:
        workshop: of the climb.
        name: of the variant.
        details: of how it was made.
    """
    made = {"variant": name, **details}
    return {**workshop.parent.bundle.manifest.config, "optimisation": made}


def _done_before(workshop: Workshop, name: str, key: str) -> Outcome | None:
    """What came of a rung earlier, if it follows from the same and its files are whole."""
    outcome = Outcome.read(workshop.rung(name) / "outcome.json")
    if outcome is None or outcome.key != key or outcome.reason is not None:
        return None
    try:
        Bundle.open(workshop.bundle(name)).verify()
    except BundleError:
        return None
    return outcome


def _key(workshop: Workshop, rung: Rung) -> str:
    """Hash of all that the outcome of a rung follows from."""
    parent = workshop.parent
    facts = {
        "parent": parent.bundle.manifest.files[MODEL],
        "sources": {name: _graph_digest(workshop, name) for name in rung.sources},
        "data": parent.dataset.fingerprint,
        "rung": rung.name,
        "settings": rung.settings,
        "reduced_range": workshop.reduced_range,
        "packages": {name: version(name) for name in _FOLLOWS_FROM},
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def _graph_digest(workshop: Workshop, name: str) -> str | None:
    """Of the graph of another rung; None where it was skipped."""
    if name not in workshop.standing:
        return None
    return Bundle.open(workshop.bundle(name)).manifest.files[MODEL]
