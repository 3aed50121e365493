"""From `key=value` arguments to a typed, frozen configuration, and to an exit code.

Values are read from `$MLOPSPROJ_CONFIG_DIR`, else `./configs`, else the schemas' defaults. Knows
nothing of what a command does with its configuration.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar, cast

import hydra
from hydra.core.config_store import ConfigStore
from hydra.core.hydra_config import HydraConfig
from mlopsproj_core.command import run_command
from mlopsproj_core.errors import ConfigError, MlopsprojError
from omegaconf import DictConfig, OmegaConf

Config = TypeVar("Config")

_HELP = """{description}

Usage: {usage}

Examples:
{examples}

Settings, with their present values (see also --cfg job, --info defaults, -m for several values):

$CONFIG
Groups, each a folder of values in the configuration folder:

$APP_CONFIG_GROUPS
"""

# Run folders are ours: one for each job, made once, also when a job has several processes.
_OUTPUT = {"run": {"dir": "."}, "sweep": {"dir": ".", "subdir": "."}}
_HYDRA_SETTINGS = [
    "hydra/help=command",
    "hydra/output=command",
    "hydra/hydra_logging=none",
    "hydra/job_logging=none",
    "hydra.output_subdir=null",
]


def run_hydra_command(
    name: str,
    schema: type[Config],
    task: Callable[[Config], None],
    *,
    description: str,
    usage: str,
    examples: tuple[str, ...],
) -> None:
    """Compose the configuration of this process's arguments, run `task`, end the process.

    Args:
        name: of the command and of its file in the configuration folder.
        schema: a frozen dataclass.
        task: run once, or once for each combination of a multirun.
        description: first line of `--help`.
        usage: second line.
        examples: commands that a user would type.
    """
    run_command(lambda: _run(name, schema, task, _help(description, usage, examples)))


def _run(
    name: str, schema: type[Config], task: Callable[[Config], None], help_template: str
) -> None:
    folder = _config_folder()
    store = ConfigStore.instance()
    store.store(name=f"{name}_schema", node=composable(schema))
    store.store(
        name="command", group="hydra/help", node={"app_name": name, "template": help_template}
    )
    store.store(name="command", group="hydra/output", package="hydra", node=_OUTPUT)
    errors: list[MlopsprojError] = []
    reached = False

    def job(config: DictConfig) -> None:
        nonlocal reached
        reached = True
        try:
            task(cast("Config", OmegaConf.to_object(config)))
        except MlopsprojError as error:
            # A multirun goes on with its next combination; the first error ends the command.
            errors.append(error)

    file = folder / f"{name}.yaml" if folder else None
    found = file is not None and file.exists()
    sys.argv[1:1] = _HYDRA_SETTINGS
    try:
        hydra.main(
            version_base="1.3",
            config_path=str(folder) if found else None,
            config_name=name if found else f"{name}_schema",
        )(job)()
    except SystemExit as end:
        # Hydra has told what it could not compose; a task ends by an error or not at all.
        if end.code and not reached:
            sys.exit(ConfigError.exit_code)
        raise
    if errors:
        raise errors[0]


def refuse_other_settings(key: str, *, allowed: tuple[str, ...]) -> None:
    """Refuse settings that `key` would silently override.

    Args:
        key: a setting that brings all the others.
        allowed: settings that may stand beside it.

    Raises:
        ConfigError: naming the others.
    """
    given = HydraConfig.get().overrides.task
    others = [text for text in given if text.partition("=")[0] not in (key, *allowed)]
    if others:
        raise ConfigError(
            f"{key}=… brings the configuration of that run; leave out {' '.join(others)}."
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
