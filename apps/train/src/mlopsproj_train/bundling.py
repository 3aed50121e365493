"""A graph becomes a bundle: judged on images, held against what it was made from, and sealed.

The folder is complete from the first version on, and becomes a bundle by its last file only.
Knows nothing of the training before and the registry after.
"""

import logging
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from mlopsproj_core.bundle import (
    EVALUATION,
    MODEL,
    MODEL_CARD,
    PERTURBED,
    PROBE,
    REFERENCE,
    ROBUSTNESS,
    TRAINING_IDS,
    Bundle,
    seal_bundle,
)
from mlopsproj_core.manifest import Parity
from mlopsproj_core.onnx_graph import OnnxGraph
from mlopsproj_core.outputs import Outputs
from mlopsproj_core.probe import write_probe
from mlopsproj_data import PreparedDataset
from mlopsproj_evaluation import (
    PerturbedRecorder,
    Report,
    Robustness,
    Scores,
    evaluate,
    model_card,
    score,
    write_figures,
    write_reference,
    write_robustness,
)
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
    judged = judge_graph(run.bundle, dataset, "test", title="judging on the test set")
    parity = check_parity(graph, test, judged.outputs)
    logger.info("parity with torch: largest difference %.2g", parity.max_difference)
    write_figures(judged.report, judged.scores, test, run.figures)
    robustness = judge_robustness(run.bundle, dataset, judged)
    return seal_judged(
        run.bundle, dataset, judged, parity=parity, config=config, robustness=robustness
    )


@dataclass(frozen=True, eq=False)
class Judged:
    """What a graph said of the images of one split.

    Attributes:
        split: of the data set.
        graph: that was run.
        scores: of every image.
        outputs: of the graph.
        report: figures with intervals.
    """

    split: str
    graph: OnnxGraph
    scores: Scores
    outputs: Outputs
    report: Report


def judge_graph(folder: Path, dataset: PreparedDataset, split: str, *, title: str) -> Judged:
    """Run the graph in a folder over a split.

    Args:
        folder: that holds `model.onnx`.
        dataset: that it is made for.
        split: of the data set.
        title: of the progress bar.

    Raises:
        BundleCorruptError: if the graph cannot be loaded or breaks the contract.
    """
    graph = OnnxGraph(folder / MODEL, dataset.spec, len(dataset.classes))
    with progress_bar(title) as report_progress:
        scores, outputs = score(graph.run, dataset.labelled(split), progress=report_progress)
    return Judged(split, graph, scores, outputs, evaluate(scores, dataset.classes))


def judge_robustness(folder: Path, dataset: PreparedDataset, judged: Judged) -> Robustness:
    """Run a graph over spoilt images of its split, and keep beside it what came out.

    What it got right of all of them, and what it said of some.

    Args:
        folder: that holds the graph.
        dataset: that it is made for.
        judged: what it said of the images as they are.
    """
    images = dataset.labelled(judged.split)
    recorder = PerturbedRecorder(images)
    with progress_bar("judging on spoilt images") as report_progress:
        robustness = write_robustness(
            folder / ROBUSTNESS,
            judged.graph.run,
            images,
            progress=report_progress,
            observe=recorder.observe,
        )
    recorder.answers().write(folder / PERTURBED)
    return robustness


def seal_judged(
    folder: Path,
    dataset: PreparedDataset,
    judged: Judged,
    *,
    parity: Parity,
    config: Mapping[str, Any],
    parent: str | None = None,
    robustness: Robustness | None = None,
) -> Bundle:
    """Write beside `model.onnx` all that a bundle holds, and the manifest last.

    Args:
        folder: that holds the graph.
        dataset: that it was made for.
        judged: what it said of a split.
        parity: held against what it was made from.
        config: of the run.
        parent: `name:version` that it was made from, if any.
        robustness: what it said of spoilt images, if it was asked.
    """
    metrics = dict(judged.report.metrics)
    if robustness is not None:
        metrics["corruption_accuracy"] = robustness.accuracy
    judged.scores.write(folder / EVALUATION)
    table = dataset.table(judged.split)
    write_reference(folder / REFERENCE, table, judged.scores, judged.outputs)
    np.save(folder / TRAINING_IDS, dataset.training_ids(), allow_pickle=False)
    write_probe((folder / PROBE).parent, dataset.spec, judged.graph.run)
    card = model_card(
        name=dataset.name,
        classes=dataset.classes,
        image=dataset.spec,
        data=dataset.summary(),
        report=judged.report,
        parity=parity,
        robustness=robustness,
        split=judged.split,
    )
    (folder / MODEL_CARD).write_text(card, encoding="utf-8")
    return seal_bundle(
        folder,
        name=dataset.name,
        classes=dataset.classes,
        image=dataset.spec,
        metrics=metrics,
        data=dataset.summary(),
        parity=parity,
        parent=parent,
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
