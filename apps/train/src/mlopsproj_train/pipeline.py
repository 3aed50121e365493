"""The way of one run: data → fit → calibrate → export → judge → bundle → registry → summary.

Each step is a call into a library or a neighbour; here stand only their order and what is kept.
"""

import json
import logging
import os
import shutil
from collections.abc import Collection
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from mlopsproj_core.bundle import Bundle
from mlopsproj_core.errors import MlopsprojError, RegistryError
from mlopsproj_core.registry import Registry
from mlopsproj_core.settings import Settings
from mlopsproj_mirror import mirror_changes
from mlopsproj_models.classifier import ImageClassifier
from mlopsproj_models.graph import calibrate
from mlopsproj_models.networks import ImageNetwork
from pytorch_lightning.loggers import WandbLogger
from rich.console import Console

from mlopsproj_train.bundling import make_bundle
from mlopsproj_train.checkpoints import load_checkpoint
from mlopsproj_train.config import TrainConfig, WandbMode
from mlopsproj_train.devices import use_available_cpus
from mlopsproj_train.epoch_log import draw_curves, read_rows
from mlopsproj_train.fitting import Fit, fit
from mlopsproj_train.logs import log_file, set_up_logging
from mlopsproj_train.planning import Plan, make_plan
from mlopsproj_train.profiling import PhaseTimes
from mlopsproj_train.publishing import next_command, publish
from mlopsproj_train.run_folder import RunFolder, locked, new_run_folder, resumed
from mlopsproj_train.summary import Summary
from mlopsproj_train.tracking import check_tracking, send_results, tracking

logger = logging.getLogger(__name__)


def run_pipeline(config: TrainConfig, *, replaced: Collection[str] = ()) -> Summary:
    """Train and publish.

    Args:
        config: of a new run, or one whose `resume` names the folder of an earlier run, which
            brings its own configuration.
        replaced: settings of an earlier run, e.g. `logger.wandb`, that `config` brings anew.

    Raises:
        MlopsprojError: with what is wrong and how to mend it; nothing is published then.
        KeyboardInterrupt: if the user ended it, saying how to go on.
    """
    set_up_logging()
    use_available_cpus()
    if config.resume is None:
        registry, plan = _usable(config)
        folder = new_run_folder(plan.config, datetime.now().astimezone())
        with locked(folder):
            return _run(plan, registry, folder)
    with resumed(Path(config.resume)) as (folder, stored):
        merged = stored
        for path in replaced:
            merged = _replaced(merged, config, path.split("."))
        registry, plan = _usable(merged)
        return _run(plan, registry, folder)


def _replaced(stored: Any, config: Any, path: list[str]) -> Any:
    """`stored` with the value that `config` has at `path`."""
    name, *rest = path
    value = getattr(config, name)
    return replace(
        stored, **{name: _replaced(getattr(stored, name), value, rest) if rest else value}
    )


def _usable(config: TrainConfig) -> tuple[Registry, Plan]:
    """The registry, asked before the training rather than after it, and what is trained."""
    check_tracking(config.logger)
    registry = Registry(config.registry or Settings().registry_url)
    _check_writable(registry.url)
    registry.names()
    return registry, make_plan(config)


def _check_writable(url: str) -> None:
    """Refuse a local registry that cannot be written, before hours of training."""
    if "://" in url:
        return
    folder = Path(url).absolute()
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    if existing.is_dir() and not os.access(existing, os.W_OK | os.X_OK):
        raise RegistryError(
            f"registry={url} cannot be written ({existing} is read-only): give another folder, or"
            " make it writable."
        )


def _run(plan: Plan, registry: Registry, folder: RunFolder) -> Summary:
    run_id = folder.identify(data=plan.dataset.name, fingerprint=plan.dataset.fingerprint)
    folder.write_config(plan.config)  # with its precision: a run that goes on computes alike
    if plan.dataset.dropped_file is not None:
        shutil.copyfile(plan.dataset.dropped_file, folder.dropped)
    try:
        with (
            log_file(folder.log),
            tracking(plan.config.logger, folder.path, run_id, _plain(plan.config)) as tracker,
        ):
            summary, bundle = _train_and_publish(plan, registry, folder, tracker)
            if tracker is not None:
                figures = sorted(folder.figures.glob("*.png"))
                send_results(tracker, figures, bundle.path, plan.dataset.name)
            if plan.config.logger.wandb is WandbMode.online:
                mirror_changes(registry, Settings().wandb_registry, [summary.model])
    except KeyboardInterrupt as interrupt:
        if folder.summary.exists():
            raise
        text = f"{str(interrupt) or 'Interrupted.'} Go on with: {folder.resume_command}"
        raise KeyboardInterrupt(text) from interrupt
    except MlopsprojError as error:
        if folder.summary.exists():
            raise
        raise type(error)(
            f"{error} Once that is mended, go on with: {folder.resume_command} (registry=… and"
            " logger=… may be given anew)."
        ) from error
    return summary


def _train_and_publish(
    plan: Plan, registry: Registry, folder: RunFolder, tracker: WandbLogger | None
) -> tuple[Summary, Bundle]:
    config, dataset = plan.config, plan.dataset
    logger.info("run folder: %s", folder.path)
    images = ", ".join(f"{count:,} {split}" for split, count in dataset.counts.items())
    logger.info("data: %s, %s images", dataset.name, images)
    if folder.dropped.exists():
        logger.info("left out as invalid: %s", folder.dropped)
    phases = PhaseTimes() if config.profile else None
    fitted = fit(plan.module, plan.data, config, folder, tracker=tracker, phases=phases)
    if phases is not None:
        phases.print_table(Console(stderr=True))
    draw_curves(read_rows(folder.metrics), folder.figures / "learning_curves.png")

    network = _best_network(plan.module, fitted)
    graph = calibrate(network, plan.train, dataset.labelled("validation"))
    logger.info("calibrated: temperature %.3f", float(graph.temperature))
    bundle = make_bundle(graph, dataset, folder, _plain(config))
    event_url = Settings().event_url
    publication = publish(bundle, registry, run=str(folder.path), event_url=event_url)
    logger.info("published %s as %s", publication.version, publication.alias)

    accuracy = bundle.manifest.metrics["accuracy"]
    summary = Summary(
        model=publication.version.name,
        version=publication.version.number,
        alias=publication.alias,
        data=dataset.name,
        data_fingerprint=dataset.fingerprint,
        train_images=dataset.counts["train"],
        test_images=dataset.counts["test"],
        accuracy=accuracy.value,
        accuracy_interval=(accuracy.low, accuracy.high),
        epochs=fitted.epochs,
        train_seconds=fitted.train_seconds,
        images_per_second=fitted.images_per_second,
        run_dir=str(folder.path),
        registry=registry.url,
        next_command=next_command(publication, registry, given=config.registry),
    )
    summary.write(folder.summary)
    return summary, bundle


def _plain(config: TrainConfig) -> dict[str, Any]:
    """Its values as they are read back from JSON, without tuples and enumerations."""
    values: dict[str, Any] = json.loads(json.dumps(asdict(config)))
    return values


def _best_network(module: ImageClassifier, fitted: Fit) -> ImageNetwork:
    """The network of the best epoch, on the CPU, in float32."""
    module.load_state_dict(load_checkpoint(fitted.best)["state_dict"])
    return module.network.cpu().float().eval()
