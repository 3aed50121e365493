"""What `evaluate` does: run a bundle over a split, draw and write what comes out, show the figures.

Knows nothing of how a model was made.
"""

import json
import logging
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mlopsproj_core.errors import ConfigError
from mlopsproj_data import PreparedDataset
from mlopsproj_data.config import pinned
from mlopsproj_data.labelling.log_location import log_for
from mlopsproj_data.sources.recognition import open_source
from mlopsproj_data.splits import SPLITS
from mlopsproj_evaluation import Report, evaluate, score, write_figures
from rich.table import Table

from mlopsproj_train.answers import answer_console, print_json
from mlopsproj_train.bundle_data import check_fit, count_trained, data_of, with_image_of
from mlopsproj_train.config import EvaluateConfig, Output
from mlopsproj_train.finding import load_predictor
from mlopsproj_train.logs import set_up_logging
from mlopsproj_train.progress import prepare_with_progress, progress_bar
from mlopsproj_train.robustness import judge_robustness, print_robustness

logger = logging.getLogger(__name__)


def judge_model(config: EvaluateConfig, *, own_data: bool = False) -> Report:
    """Judge a model on a split of a data set, and print what came out.

    Args:
        config: which model, and on what.
        own_data: take the data set that the model was trained on in place of `config.data`.

    Raises:
        ConfigError: if there is no such split, or the model does not fit the data.
        MlopsprojError: if either cannot be found or read.
    """
    set_up_logging()
    if config.split not in SPLITS:
        raise ConfigError(f"split={config.split}: give {', '.join(SPLITS)}.")
    config = replace(config, data=pinned(config.data, datetime.now(UTC)))
    source = None if own_data else open_source(config.data, log_for(config.data))
    name, predictor = load_predictor(
        config.bundle,
        config.registry,
        preferred=config.data.name or (source.name if source else None),
    )
    if source is None:
        data = data_of(predictor.manifest)
        source = open_source(data, log_for(data))
    else:
        data = with_image_of(predictor.manifest, config.data, source.spec)
    dataset = prepare_with_progress(data, source)
    check_fit(name, predictor.manifest, dataset)
    trained = count_trained(predictor.bundle, dataset, config.split)
    if trained:
        logger.warning(
            "warning: %s was trained or chosen on %s of these %s images: its figures flatter it",
            name,
            f"{trained:,}",
            f"{dataset.counts[config.split]:,}",
        )
    judged = f"{name}-{dataset.name}-{config.split}"
    folder = _new_folder(config.out or f"evaluations/{_file_name(judged)}")
    images = dataset.labelled(config.split)
    with progress_bar(f"judging {name}") as report_progress:
        scores, _ = score(predictor.run, images, progress=report_progress)
    report = evaluate(scores, dataset.classes)
    write_figures(report, scores, images, folder)
    document: dict[str, Any] = {
        "model": name,
        "data": dataset.name,
        "data_fingerprint": dataset.fingerprint,
        "split": config.split,
        "trained_on": trained,
        **json.loads(report.to_json()),
    }
    if config.robustness:
        document["robustness"] = judge_robustness(name, predictor, images, folder)
    (folder / "report.json").write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    if config.output is Output.json:
        print_json(document)
    else:
        _print(name, dataset, config.split, report)
        if config.robustness:
            print_robustness(document["robustness"])
        answer_console().print(f"figures and report.json: {folder}", soft_wrap=True)
    return report


def _file_name(judged: str) -> str:
    """Of a bundle that is named by its version or its folder, and what it was judged on."""
    return re.sub(r"[^A-Za-z0-9_@]+", "-", judged).strip("-")


def _new_folder(out: str) -> Path:
    folder = Path(out)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            f"out={out} cannot be made ({error.strerror}): give a folder that can be written."
        ) from error
    return folder


def _print(name: str, dataset: PreparedDataset, split: str, report: Report) -> None:
    console = answer_console()
    title = f"{name} on {report.images:,} {split} images of {dataset.name}"
    figures = Table("figure", "value", "95 % interval", title=title, title_justify="left")
    for key, metric in report.metrics.items():
        interval = f"{metric.low:.4f} to {metric.high:.4f}"
        figures.add_row(key.replace("_", " "), f"{metric.value:.4f}", interval)
    console.print(figures)
    classes = Table("class", "images", "precision", "recall", "F1")
    for row in report.per_class:
        shown = (f"{m.value:.3f}" if m else "none" for m in (row.precision, row.recall, row.f1))
        classes.add_row(row.name, f"{row.support:,}", *shown)
    console.print(classes)
