"""The folder of a run: what lies where, and that only one process writes there.

    config.json        the whole configuration       checkpoints/   best.ckpt and last.ckpt
    run.json           its id, and its data          figures/       learning curves and the rest
    run.log            the important events          bundle/        what was published
    metrics.csv        a row for each epoch          wandb/         Weights & Biases' own files
    dropped.json       what was left out as invalid  summary.json   written last: the run is done

Knows nothing of training; what is written into it is its callers' business.
"""

import errno
import json
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from filelock import FileLock, Timeout
from mlopsproj_core.errors import ConfigError, TrainingError
from mlopsproj_core.local_files import put_in_place
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from mlopsproj_train.arguments import quoted
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
    def identity(self) -> Path:
        """The id of the run, and the data that it began with."""
        return self.path / "run.json"

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
    def dropped(self) -> Path:
        """The images that were left out as invalid, if that was wished."""
        return self.path / "dropped.json"

    @property
    def checkpoints(self) -> Path:
        """`best.ckpt` and `last.ckpt`."""
        return self.path / "checkpoints"

    @property
    def last_checkpoint(self) -> Path:
        """After the last whole epoch."""
        return self.checkpoints / "last.ckpt"

    @property
    def best_checkpoint(self) -> Path:
        """After the epoch that was best on validation images."""
        return self.checkpoints / "best.ckpt"

    @property
    def figures(self) -> Path:
        """Learning curves and what evaluation draws."""
        return self.path / "figures"

    @property
    def bundle(self) -> Path:
        """What was published."""
        return self.path / "bundle"

    @property
    def resume_command(self) -> str:
        """What a user types to go on with the run."""
        return f"uv run train {shlex.quote(f'resume={quoted(str(self.path))}')}"

    def write_config(self, config: TrainConfig) -> None:
        """Keep the configuration, at once: without it the run cannot be resumed."""
        _write(self.config, asdict(config))

    def identify(self, *, data: str, fingerprint: str) -> str:
        """The id of this run among all others, made when it begins.

        Args:
            data: name of the data set.
            fingerprint: of the data set.

        Raises:
            TrainingError: if the run began with other data.
        """
        try:
            known = json.loads(self.identity.read_text(encoding="utf-8"))
            run_id, began_with = str(known["id"]), str(known["data_fingerprint"])
        except FileNotFoundError:
            run_id, began_with = uuid4().hex, fingerprint
            _write(self.identity, {"id": run_id, "data": data, "data_fingerprint": fingerprint})
        except (ValueError, KeyError, TypeError) as error:
            raise TrainingError(
                f"{self.identity} cannot be read ({error!r}): start a new run by `uv run train`."
            ) from error
        if began_with != fingerprint:
            raise TrainingError(
                f"The run in {self.path} began with other data (fingerprint {began_with[:12]}…,"
                f" now {fingerprint[:12]}…): bring the data back, or start a new run by"
                " `uv run train`."
            )
        return run_id


def _write(path: Path, values: dict[str, Any]) -> None:
    draft = path.with_name(f".{path.name}")
    draft.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
    put_in_place(draft, path)


def new_run_folder(config: TrainConfig, now: datetime) -> RunFolder:
    """Make the folder of a new run and write its configuration there.

    Raises:
        ConfigError: if the given folder holds something already, or cannot be made.
    """
    try:
        if config.run_dir is not None:
            path = Path(config.run_dir)
            _claim(path)
        else:
            path = _free_folder(Path("runs") / now.strftime("%Y-%m-%d_%H-%M-%S"))
        folder = RunFolder(path)
        folder.write_config(config)
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise
        raise ConfigError(
            f"run_dir={config.run_dir or 'runs'} cannot be made ({error.strerror}): give a folder"
            " that can be written."
        ) from error
    return folder


def _claim(path: Path) -> None:
    """Make a given folder, which is the run's for ever: of two that ask at once, one gets it."""
    folder = RunFolder(path)
    taken = ConfigError(
        f"run_dir={path} is not empty: give another folder, or go on with the run in it by"
        f" `{folder.resume_command}`."
    )
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise taken
    path.mkdir(parents=True, exist_ok=True)
    try:
        folder.config.touch(exist_ok=False)
    except FileExistsError:
        raise taken from None


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


@contextmanager
def resumed(path: Path) -> Iterator[tuple[RunFolder, TrainConfig]]:
    """Hold the folder of an earlier run, with the configuration that it was started with.

    Raises:
        TrainingError: if there is no run, it is done already, or another process holds it.
    """
    folder = RunFolder(path)
    if not folder.config.exists():
        raise TrainingError(
            f"resume={path} holds no run (no {folder.config.name}): name its folder."
        )
    with locked(folder):
        # Asked while nobody else can end the run.
        if folder.summary.exists():
            raise TrainingError(
                f"The run in {path} is done, there is nothing to resume: start a new one by"
                " `uv run train`."
            )
        yield folder, _read_config(folder)


def _read_config(folder: RunFolder) -> TrainConfig:
    try:
        values: dict[str, Any] = json.loads(folder.config.read_text(encoding="utf-8"))
        merged = OmegaConf.merge(composable(TrainConfig), values)
        config = OmegaConf.to_object(merged)
    except (ValueError, OmegaConfBaseException) as error:
        raise TrainingError(
            f"{folder.config} cannot be read ({error}): start a new run by `uv run train`."
        ) from error
    assert isinstance(config, TrainConfig)  # noqa: S101 (the schema it was merged with)
    return config


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
            f"Another process is training in {folder.path}: wait until it ends, or start a run in"
            " a folder of its own by `uv run train`."
        ) from error
    try:
        yield
    finally:
        lock.release()
