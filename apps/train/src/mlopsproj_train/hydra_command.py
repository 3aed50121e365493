"""From `key=value` arguments to a typed, frozen configuration, and to an exit code.

Values are read from `$MLOPSPROJ_CONFIG_DIR`, else `./configs`, else the schemas' defaults. Knows
nothing of what a command does with its configuration.
"""

import logging
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Generic, TypeVar, cast

import hydra
from hydra.core.config_store import ConfigStore
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from mlopsproj_core.command import run_command
from mlopsproj_core.errors import ConfigError, MlopsprojError
from omegaconf import DictConfig, OmegaConf

from mlopsproj_train.arguments import quote_locations, split_options
from mlopsproj_train.composition import composition, to_schema

logger = logging.getLogger(__name__)

Config = TypeVar("Config")
Result = TypeVar("Result")

_HELP = """{description}

Usage: {usage}

Examples:
{examples}

Settings, with their present values (see also --cfg job, --info defaults, -m for several values):

$CONFIG
Groups, each a folder of values in the configuration folder:

$APP_CONFIG_GROUPS
"""

_HYDRA_SETTINGS = [
    "hydra/help=command",
    "hydra/output=command",
    "hydra/hydra_logging=none",
    "hydra/job_logging=none",
    "hydra.output_subdir=null",
]


@dataclass(frozen=True)
class Job(Generic[Config, Result]):
    """One combination of settings, and what came of it.

    Attributes:
        settings: as they were typed, e.g. `seed=1`.
        config: that they gave.
        result: what the task gave; None if it failed.
        error: why it failed, if it did.
    """

    settings: tuple[str, ...]
    config: Config
    result: Result | None
    error: MlopsprojError | None


def run_hydra_command(
    name: str,
    schema: type[Config],
    task: Callable[[Config], Result],
    *,
    description: str,
    usage: str,
    examples: tuple[str, ...],
    compare: Callable[[Sequence[Job[Config, Result]]], None] | None = None,
) -> None:
    """Compose the configuration of this process's arguments, run `task`, end the process.

    Args:
        name: of the command and of its file in the configuration folder.
        schema: a frozen dataclass.
        task: run once, or once for each combination of a multirun.
        description: first line of `--help`.
        usage: second line.
        examples: commands that a user would type.
        compare: told every job at the end of a multirun.
    """
    template = _help(description, usage, examples)
    run_command(lambda: _run(name, schema, task, template, compare))


def _run(
    name: str,
    schema: type[Config],
    task: Callable[[Config], Result],
    help_template: str,
    compare: Callable[[Sequence[Job[Config, Result]]], None] | None,
) -> None:
    folder = _config_folder()
    jobs = _Jobs(name, task, several_allowed=compare is not None)
    file = folder / f"{name}.yaml" if folder else None
    found = file is not None and file.exists()
    options, others = split_options(sys.argv[1:])
    sys.argv[1:] = [*options, *_HYDRA_SETTINGS, *quote_locations(others)]
    with TemporaryDirectory() as scratch, composition(name):
        _register(name, schema, help_template, scratch)
        hydra.main(
            version_base="1.3",
            config_path=str(folder) if found else None,
            config_name=name if found else f"{name}_schema",
        )(jobs.run)()
    if compare is not None and jobs.several and jobs.done:
        compare(jobs.done)
    jobs.raise_first_error()


class _Jobs(Generic[Config, Result]):
    """The jobs of a command, as Hydra hands over the values of one after another."""

    def __init__(
        self, command: str, task: Callable[[Config], Result], *, several_allowed: bool
    ) -> None:
        self.done: list[Job[Config, Result]] = []
        self.several = False
        self._command = command
        self._task = task
        self._several_allowed = several_allowed
        self._ended_by: BaseException | None = None
        self._not_run: list[tuple[str, ...]] = []

    def run(self, values: DictConfig) -> None:
        """Run one job; what ends the command is kept until Hydra is through, which prints it."""
        self.several = in_multirun()
        settings = typed_settings()
        if self._ended_by is not None:
            self._not_run.append(settings)
            return
        try:
            if self.several and not self._several_allowed:
                raise ConfigError(f"-m: `{self._command}` runs once; leave it out.")
            self._run(settings, cast("Config", to_schema(values, self._command)))
        except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 (raised again at the end)
            self._ended_by = error

    def _run(self, settings: tuple[str, ...], config: Config) -> None:
        try:
            self.done.append(Job(settings, config, self._task(config), None))
        except MlopsprojError as error:
            # A multirun goes on with its next combination; the first error ends the command.
            self.done.append(Job(settings, config, None, error))
            if self.several:
                logger.error("%s: %s", " ".join(settings), error)  # noqa: TRY400 (no defect of ours)

    def raise_first_error(self) -> None:
        """Raise what ended the command, if anything did, else the first error of a job."""
        if isinstance(self._ended_by, KeyboardInterrupt) and self._not_run:
            left = "\n".join(f"  {' '.join(settings)}" for settings in self._not_run)
            text = str(self._ended_by) or "Interrupted."
            raise KeyboardInterrupt(f"{text}\nNot run:\n{left}") from self._ended_by
        if self._ended_by is not None:
            raise self._ended_by
        failed = [(job, job.error) for job in self.done if job.error is not None]
        if not failed:
            return
        job, error = failed[0]
        if not self.several:
            raise error
        raise type(error)(
            f"{len(failed)} of {len(self.done)} failed, first {' '.join(job.settings)}: {error}"
        )


def _register(name: str, schema: type, help_template: str, scratch: str) -> None:
    store = ConfigStore.instance()
    store.store(name=f"{name}_schema", node=composable(schema))
    store.store(
        name="command", group="hydra/help", node={"app_name": name, "template": help_template}
    )
    # Run folders are ours: one for each job, made once. What Hydra writes of a multirun is dropped.
    output = {"run": {"dir": "."}, "sweep": {"dir": scratch, "subdir": "."}}
    store.store(name="command", group="hydra/output", package="hydra", node=output)


def in_multirun() -> bool:
    """Whether the task that runs now is one of several."""
    return bool(HydraConfig.get().mode is RunMode.MULTIRUN)


def typed_settings() -> tuple[str, ...]:
    """The settings of the task that runs now; `${…}` stays, since it may refer to nothing."""
    typed = OmegaConf.to_container(HydraConfig.get().overrides.task, resolve=False)
    return tuple(cast("list[str]", typed))


def given_settings() -> dict[str, str]:
    """The settings of the task that runs now, as they were typed: key to value."""
    pairs = (text.partition("=") for text in typed_settings())
    return {key: value for key, _, value in pairs}


def refuse_other_settings(key: str, *, allowed: tuple[str, ...]) -> None:
    """Refuse settings that `key` would silently override.

    Args:
        key: a setting that brings all the others.
        allowed: settings that may stand beside it.

    Raises:
        ConfigError: naming the others.
    """
    others = [
        f"{name}={value}" for name, value in given_settings().items() if name not in (key, *allowed)
    ]
    if others:
        raise ConfigError(
            f"{key}=… brings the configuration of that run; leave out {' '.join(others)}."
        )


def refuse_shared_setting(key: str) -> None:
    """Refuse a setting that must be another in each job of a multirun, and is not.

    Raises:
        ConfigError: naming it, and how it is made to differ.
    """
    given = [text for text in sys.argv[1:] if text.startswith(f"{key}=")]
    if in_multirun() and given and not any(sign in given[-1] for sign in (",", "(", "${")):
        raise ConfigError(
            f"{given[-1]} is the same for every run of -m: leave it out, or make it differ, e.g."
            f" '{given[-1]}/${{hydra:job.num}}'."
        )


def composable(schema: type) -> DictConfig:
    """A frozen schema as Hydra can merge values into it; it is frozen again as an object."""
    config = OmegaConf.structured(schema)
    assert isinstance(config, DictConfig)  # noqa: S101 (what OmegaConf makes of a dataclass)
    _thaw(config)
    return config


def _thaw(config: DictConfig) -> None:
    OmegaConf.set_readonly(config, value=None)
    for key in config:
        child = config._get_node(key)  # noqa: SLF001 (the node itself; its value may be missing)
        if isinstance(child, DictConfig):
            _thaw(child)


def _config_folder() -> Path | None:
    given = os.environ.get("MLOPSPROJ_CONFIG_DIR")
    if given and not Path(given).is_dir():
        raise ConfigError(
            f"MLOPSPROJ_CONFIG_DIR={given} is no folder: name the one with train.yaml."
        )
    folder = Path(given or "configs").resolve()
    return folder if folder.is_dir() else None


def _help(description: str, usage: str, examples: tuple[str, ...]) -> str:
    lines = "\n".join(f"  {example}" for example in examples)
    return _HELP.format(description=description, usage=usage, examples=lines)
