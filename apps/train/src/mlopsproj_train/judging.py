"""What `evaluate` does: run a bundle over a split, draw and write what comes out, show the figures.

Knows nothing of how a model was made.
"""

from pathlib import Path

from mlopsproj_core.errors import ConfigError
from mlopsproj_data import PreparedDataset
from mlopsproj_evaluation import Report, evaluate, score, write_figures
from rich.console import Console
from rich.table import Table

from mlopsproj_train.config import EvaluateConfig, Output
from mlopsproj_train.finding import load_predictor
from mlopsproj_train.logs import set_up_logging
from mlopsproj_train.progress import prepare_with_progress, progress_bar


def judge_model(config: EvaluateConfig) -> Report:
    """Judge a model on a split of a data set, and print what came out.

    Raises:
        ConfigError: if the model does not fit the data.
        MlopsprojError: if either cannot be found or read.
    """
    set_up_logging()
    name, predictor = load_predictor(config.bundle, config.registry)
    dataset = prepare_with_progress(config.data)
    manifest = predictor.manifest
    if manifest.classes != dataset.classes or manifest.image != dataset.spec:
        raise ConfigError(
            f"{name} tells {len(manifest.classes)} classes apart on {manifest.image.shape}; the"
            f" data {dataset.name} has {len(dataset.classes)} classes and {dataset.spec.shape}:"
            " choose the data set that the model was made for, by data=… or data.path=…."
        )
    images = dataset.labelled(config.split)
    with progress_bar(f"judging {name}") as report_progress:
        scores, _ = score(predictor.run, images, progress=report_progress)
    report = evaluate(scores, dataset.classes)
    folder = Path(config.out or f"evaluations/{name.replace(':', '-').replace('/', '-')}")
    write_figures(report, scores, images, folder)
    (folder / "report.json").write_text(report.to_json(), encoding="utf-8")
    if config.output is Output.json:
        print(report.to_json(), end="")  # noqa: T201 (the command's answer)
    else:
        _print(name, dataset, config.split, report, folder)
    return report


def _print(name: str, dataset: PreparedDataset, split: str, report: Report, folder: Path) -> None:
    console = Console()
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
    console.print(f"figures and report.json: {folder}", soft_wrap=True)
