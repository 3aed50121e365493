"""A calibrated graph becomes a bundle: exported, held against torch, judged, and sealed.

The folder is complete from the first version on, and becomes a bundle by its last file only.
Knows nothing of the training before and the registry after.
"""

import logging
import shutil
import subprocess
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import numpy as np
from mlopsproj_core.bundle import (
    EVALUATION,
    MODEL,
    MODEL_CARD,
    PROBE,
    REFERENCE,
    TRAINING_IDS,
    Bundle,
    seal_bundle,
)
from mlopsproj_core.onnx_graph import OnnxGraph
from mlopsproj_core.probe import write_probe
from mlopsproj_data import PreparedDataset
from mlopsproj_evaluation import evaluate, model_card, score, write_figures, write_reference
from mlopsproj_models.export import check_parity, export_onnx
from mlopsproj_models.graph import ServingGraph

from mlopsproj_train.progress import progress_bar
from mlopsproj_train.run_folder import RunFolder

logger = logging.getLogger(__name__)

_RECORDED_PACKAGES = (
    "mlopsproj-core",
    "mlopsproj-models",
    "numpy",
    "onnx",
    "onnxruntime",
    "pillow",
    "pytorch-lightning",
    "torch",
)


def make_bundle(
    graph: ServingGraph, dataset: PreparedDataset, run: RunFolder, config: Mapping[str, Any]
) -> Bundle:
    """Export `graph`, hold it against torch, judge it on the test set, and seal the bundle.

    What is in the run's bundle folder already, left by a process that ended early, goes.

    Raises:
        ParityError: if the exported graph disagrees with the network.
    """
    shutil.rmtree(run.bundle, ignore_errors=True)
    run.bundle.mkdir()
    test = dataset.labelled("test")
    export_onnx(graph, dataset.spec, run.bundle / MODEL)
    runtime = OnnxGraph(run.bundle / MODEL, dataset.spec, len(dataset.classes))
    with progress_bar("judging on the test set") as report_progress:
        scores, outputs = score(runtime.run, test, progress=report_progress)
    parity = check_parity(graph, test, outputs)
    logger.info("parity with torch: largest difference %.2g", parity.max_difference)
    report = evaluate(scores, dataset.classes)
    write_figures(report, scores, test, run.figures)

    scores.write(run.bundle / EVALUATION)
    write_reference(run.bundle / REFERENCE, dataset.table("test"), scores, outputs)
    np.save(run.bundle / TRAINING_IDS, dataset.training_ids(), allow_pickle=False)
    write_probe((run.bundle / PROBE).parent, dataset.spec, runtime.run)
    card = model_card(
        name=dataset.name,
        classes=dataset.classes,
        image=dataset.spec,
        data=dataset.summary(),
        report=report,
        parity=parity,
    )
    (run.bundle / MODEL_CARD).write_text(card, encoding="utf-8")
    return seal_bundle(
        run.bundle,
        name=dataset.name,
        classes=dataset.classes,
        image=dataset.spec,
        metrics=report.metrics,
        data=dataset.summary(),
        parity=parity,
        config=config,
        git_commit=_git_commit(),
        packages={name: version(name) for name in _RECORDED_PACKAGES},
    )


def _git_commit() -> str | None:
    """Of the working folder; None where there is no repository or no git."""
    git = shutil.which("git")
    if git is None:
        return None
    command = [git, "rev-parse", "HEAD"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 (nothing of it comes from outside)
    return answer.stdout.strip() if answer.returncode == 0 else None
