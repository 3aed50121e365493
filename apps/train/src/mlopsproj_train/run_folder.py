"""The folder of a run: what lies where, and that only one process writes there.

    config.json        the whole configuration       checkpoints/   best.ckpt and last.ckpt
    run.log            the important events          figures/       learning curves and the rest
    metrics.csv        a row for each epoch          bundle/        what was published
    summary.json       written last: the run is done wandb/         Weights & Biases' own files

Knows nothing of training; what is written into it is its callers' business.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from mlopsproj_core.errors import ConfigError, TrainingError
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from mlopsproj_train.config import TrainConfig
from mlopsproj_train.hydra_command import composable


@dataclass(frozen=True)
class RunFolder:
    """Paths inside the folder of one run."""

    path: Path

    @property
    def config(self) -> Path:
        """The whole configuration, as JSON."""
        return self.path / "config.json"

    @property
    def log(self) -> Path:
        """The important events."""
        return self.path / "run.log"

    @property
    def metrics(self) -> Path:
        """A row for each epoch."""
        return self.path / "metrics.csv"

    @property
    def summary(self) -> Path:
        """What came out; written last."""
        return self.path / "summary.json"

    @property
    def checkpoints(self) -> Path:
        """`best.ckpt` and `last.ckpt`."""
        return self.path / "checkpoints"

    @property
    def last_checkpoint(self) -> Path:
        """After the last whole epoch."""
        return self.checkpoints / "last.ckpt"

    @property
    def figures(self) -> Path:
        """Learning curves and what evaluation draws."""
        return self.path / "figures"

    @property
    def bundle(self) -> Path:
        """What was published."""
        return self.path / "bundle"

    def write_config(self, config: TrainConfig) -> None:
        """Keep the configuration, at once: without it the run cannot be resumed."""
        draft = self.config.with_name(f".{self.config.name}")
        draft.write_text(json.dumps(asdict(config), indent=2) + "\n", encoding="utf-8")
        draft.replace(self.config)


def new_run_folder(config: TrainConfig, now: datetime) -> RunFolder:
    """Make the folder of a new run and write its configuration there.

    Raises:
        ConfigError: if the given folder holds something already.
    """
    if config.run_dir is not None:
        path = Path(config.run_dir)
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise ConfigError(
                f"run_dir={path} is not empty: give another folder, or go on with the run in it"
                f" by `uv run train resume={path}`."
            )
        path.mkdir(parents=True, exist_ok=True)
    else:
        path = _free_folder(Path("runs") / now.strftime("%Y-%m-%d_%H-%M-%S"))
    folder = RunFolder(path)
    folder.write_config(config)
    return folder


def _free_folder(path: Path) -> Path:
    """Make `path`, or `path-2` and so on: two runs may start within a second."""
    attempt = 1
    while True:
        candidate = path if attempt == 1 else path.with_name(f"{path.name}-{attempt}")
        try:
            candidate.mkdir(parents=True)
        except FileExistsError:
            attempt += 1
        else:
            return candidate


def open_run_folder(path: Path) -> tuple[RunFolder, TrainConfig]:
    """The folder of an earlier run and the configuration that it was started with.

    Raises:
        TrainingError: if there is no run, or it is done already.
    """
    folder = RunFolder(path)
    if not folder.config.exists():
        raise TrainingError(
            f"resume={path} holds no run (no {folder.config.name}): name its folder."
        )
    if folder.summary.exists():
        raise TrainingError(
            f"The run in {path} is done, there is nothing to resume: start a new one by"
            " `uv run train`."
        )
    try:
        values: dict[str, Any] = json.loads(folder.config.read_text(encoding="utf-8"))
        merged = OmegaConf.merge(composable(TrainConfig), values)
        config = OmegaConf.to_object(merged)
    except (ValueError, OmegaConfBaseException) as error:
        raise TrainingError(f"{folder.config} cannot be read: {error}") from error
    assert isinstance(config, TrainConfig)  # noqa: S101 (the schema it was merged with)
    return folder, config


@contextmanager
def locked(folder: RunFolder) -> Iterator[None]:
    """Hold the folder for this process; the lock ends with the process, however it ends.

    Raises:
        TrainingError: if another process holds it.
    """
    lock = FileLock(folder.path / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise TrainingError(
            f"Another process is training in {folder.path}: wait for it, or give another run_dir."
        ) from error
    try:
        yield
    finally:
        lock.release()
