"""One call of the command `sweep`: the study, this process's trials, and the report.

Here stands only their order.
"""

import logging
import re
import shlex
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import optuna
from mlopsproj_core.errors import ConfigError, MlopsprojError, TrainingError
from mlopsproj_data.config import pinned

from mlopsproj_train.answers import answer_console, print_json
from mlopsproj_train.config import LoggerConfig, Output, SweepConfig, TrainConfig, WandbMode
from mlopsproj_train.devices import use_available_cpus
from mlopsproj_train.fitting import check_settings
from mlopsproj_train.logs import set_up_logging
from mlopsproj_train.planning import make_plan
from mlopsproj_train.sweeping.figures import draw_figures
from mlopsproj_train.sweeping.importance import importances
from mlopsproj_train.sweeping.outcomes import Outcome, best
from mlopsproj_train.sweeping.report import facts, print_report, read_results
from mlopsproj_train.sweeping.search import Search
from mlopsproj_train.sweeping.search_space import SearchSpace
from mlopsproj_train.sweeping.study import (
    Beginning,
    Sweep,
    begin_sweep,
    check_storage,
    find_sweep,
    storage_errors,
    sweep_folder,
)
from mlopsproj_train.sweeping.trial import train_trial
from mlopsproj_train.sweeping.wandb_definition import write_definition

logger = logging.getLogger(__name__)

_OWN = ("space", "trials", "name", "storage", "pruner", "output")
"""Settings of the sweep that a run does not have."""
_KEY = re.compile(r"[+~]*([\w.]+)")


def run_sweep(config: SweepConfig, typed: Sequence[str]) -> None:
    """Do the trials that are missing, and report all.

    Args:
        config: of the sweep.
        typed: its settings as they were typed.

    Raises:
        MlopsprojError: with what is wrong and how to mend it.
        KeyboardInterrupt: if the user ended it, after the report.
    """
    set_up_logging()
    optuna.logging.set_verbosity(optuna.logging.CRITICAL)  # we tell it ourselves
    use_available_cpus()
    _check(config)
    config, typed = _with_time(config, typed)
    if config.storage is not None:
        check_storage(config.storage)
    with storage_errors(config.storage):
        if config.trials == 0 and config.name is not None:
            _report(find_sweep(config.name, config.storage), config)
            return
        beginning = _beginning(config, _of_run(typed))
        name = config.name or beginning.data
        if config.trials == 0:
            _report(find_sweep(name, config.storage), config)
            return
        sweep = begin_sweep(name, config.storage, beginning)
        write_definition(sweep.beginning, sweep.folder)
        _search(sweep, config, typed)


def _with_time(config: SweepConfig, typed: Sequence[str]) -> tuple[SweepConfig, Sequence[str]]:
    """The same with the time until which labels count, as if it were typed.

    All trials, and the run that is told at the end, then learn from the same images.
    """
    data = pinned(config.data, datetime.now(UTC))
    if data == config.data:
        return config, typed
    told = f"data.feedback_until={data.feedback_until}"
    return replace(config, data=data), (*typed, told)


def _search(sweep: Sweep, config: SweepConfig, typed: Sequence[str]) -> None:
    many = f"{config.trials} trial{'s' if config.trials > 1 else ''}"
    logger.info("sweep %s in %s: %s in all", sweep.name, sweep.storage, many)
    search = Search(sweep, config.pruner, seed=config.seed, train=train_trial)
    try:
        search.run(config.trials)
    except KeyboardInterrupt as interrupt:
        _report(sweep, config)
        command = shlex.join(["uv", "run", "sweep", *typed])
        raise KeyboardInterrupt(f"Interrupted. Go on with: {command}") from interrupt
    except MlopsprojError:
        _report(sweep, config)
        raise
    _report(sweep, config)
    rows = read_results(sweep)
    failed = [row for row in rows if row.outcome is Outcome.failed]
    if best(rows) is None and failed:
        raise TrainingError(
            f"No trial came to its end; {len(failed)} failed, trial {failed[-1].number} by:"
            f" {failed[-1].error}"
        )


def _beginning(config: SweepConfig, settings: tuple[str, ...]) -> Beginning:
    base = TrainConfig(
        data=config.data,
        model=config.model,
        optimizer=config.optimizer,
        trainer=config.trainer,
        logger=LoggerConfig(wandb=WandbMode.disabled),
        seed=config.seed,
    )
    space = SearchSpace.read(config.space, base)
    given = {match[1] for text in settings if (match := _KEY.match(text))}
    for key in space.parameters:
        if key in given:
            raise ConfigError(f"{key} is given and searched for: leave it out, or use ~space.")
    for setting, run in space.corners():
        try:
            check_settings(run)
        except ConfigError as error:
            raise ConfigError(f"space: {setting} cannot be used: {error}") from error
    dataset = make_plan(base).dataset
    return Beginning(
        space, settings, dataset.name, dataset.fingerprint, dataset.counts["validation"]
    )


def _check(config: SweepConfig) -> None:
    for name, value, least in (
        ("trials", config.trials, 0),
        ("pruner.min_trials", config.pruner.min_trials, 1),
        ("pruner.min_epochs", config.pruner.min_epochs, 1),
    ):
        if value < least:
            raise ConfigError(f"{name}={value}: give {least} or more.")
    if config.name is not None:
        sweep_folder(config.name)  # refuses what is no name


def _of_run(typed: Sequence[str]) -> tuple[str, ...]:
    """The settings that `train` takes too."""
    keys = [match[1].split(".")[0] if (match := _KEY.match(text)) else "" for text in typed]
    return tuple(text for text, key in zip(typed, keys, strict=True) if key not in _OWN)


def _report(sweep: Sweep, config: SweepConfig) -> None:
    rows = read_results(sweep)
    known = importances(sweep.study)
    paths = draw_figures(rows, sweep.beginning.space, known, sweep.folder / "figures")
    figures = [str(path) for path in paths]
    if config.output is Output.json:
        print_json(facts(sweep, rows, figures))
    else:
        print_report(answer_console(), sweep, rows, figures)
