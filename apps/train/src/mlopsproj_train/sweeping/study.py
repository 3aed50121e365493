"""The study of a sweep: where its trials are kept, and what it remembers of how it began.

A study is opened by any number of processes at once, on one machine or, with a database server,
on several. Knows nothing of how a trial is trained.
"""

import json
import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import optuna
from filelock import FileLock
from mlopsproj_core.errors import ConfigError, TrainingError
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from optuna.exceptions import ExperimentalWarning, OptunaError
from sqlalchemy import create_engine
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from mlopsproj_train.config import TrainConfig
from mlopsproj_train.hydra_command import composable
from mlopsproj_train.sweeping.search_space import SearchSpace

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")
_BEATS_EVERY_SECONDS = 5
DEAD_AFTER_SECONDS = 20
"""Without a sign of life, a trial is taken for ended and is repeated."""
_LOCKED_SECONDS = 60
"""How long one process waits while another writes to the same SQLite file."""

# Where a run finds its images and on what it computes may differ from machine to machine.
_MAY_DIFFER = ("data.path", "data.prepared_dir", "trainer.accelerator", "trainer.precision")
_UNTIL = "base.data.feedback_until"


@dataclass(frozen=True)
class Beginning:
    """What all trials of a sweep have in common.

    Attributes:
        space: that is searched, around the run that all trials vary.
        settings: of the run, as they were typed.
        data: name of the data set.
        fingerprint: of the data set.
        validation_images: that a trial is judged on.
    """

    space: SearchSpace
    settings: tuple[str, ...]
    data: str
    fingerprint: str
    validation_images: int

    def document(self) -> dict[str, Any]:
        """As plain values."""
        values = asdict(self) | {"space": self.space.document(), "base": asdict(self.space.base)}
        plain: dict[str, Any] = json.loads(json.dumps(values))
        return plain

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> "Beginning":
        """What `document` gave.

        Raises:
            TrainingError: if it is none, or of another release.
        """
        try:
            merged = OmegaConf.merge(composable(TrainConfig), document["base"])
            base: Any = OmegaConf.to_object(merged)
            return cls(
                SearchSpace.read(document["space"], base),
                tuple(document["settings"]),
                document["data"],
                document["fingerprint"],
                document["validation_images"],
            )
        except (KeyError, TypeError, OmegaConfBaseException, ConfigError) as error:
            raise TrainingError(
                f"The study cannot be read ({error}); it may be of another release: begin a new"
                " sweep with name=…."
            ) from error


@dataclass(frozen=True)
class Sweep:
    """A study that is open.

    Attributes:
        name: of the sweep.
        folder: of its trials and figures on this machine.
        storage: of the study, without a password.
        study: of Optuna.
        beginning: what its trials have in common.
    """

    name: str
    folder: Path
    storage: str
    study: optuna.Study
    beginning: Beginning


def sweep_folder(name: str) -> Path:
    """Where a sweep keeps its files.

    Raises:
        ConfigError: if the name is none for a folder.
    """
    if not _NAME.fullmatch(name):
        raise ConfigError(
            f"name={name}: give lower-case letters, digits, `.`, `_` and `-`, beginning with a"
            " letter or digit."
        )
    return Path("sweeps") / name


def turn(folder: Path) -> FileLock:
    """What the processes of a sweep hold one after another, on one machine.

    Args:
        folder: of the sweep.
    """
    return FileLock(folder / ".turn")


def check_storage(url: str) -> None:
    """Refuse a database that cannot be used, before any data is prepared.

    Args:
        url: of the database.

    Raises:
        ConfigError: if the address is of no database.
        TrainingError: if the database cannot be used.
    """
    with storage_errors(url), _address_errors(url):
        engine = create_engine(url)
        try:
            engine.connect().close()
        finally:
            engine.dispose()


def begin_sweep(name: str, url: str | None, beginning: Beginning) -> Sweep:
    """Open the study, or make it where there is none.

    Args:
        name: of the sweep.
        url: of the database; a file in the sweep's folder unless given.
        beginning: what its trials shall have in common.

    Raises:
        ConfigError: if the study began otherwise, or the address is of no database.
        TrainingError: if the database cannot be used.
    """
    folder = sweep_folder(name)
    folder.mkdir(parents=True, exist_ok=True)
    wanted = beginning.document()
    with turn(folder), storage_errors(url):  # two that made the tables at once would fail
        storage = _open(url or _own_url(folder))
        study = optuna.create_study(
            storage=storage, study_name=name, direction="maximize", load_if_exists=True
        )
        known = study.user_attrs.get("beginning")
        if known is None:
            study.set_user_attr("beginning", wanted)
            known = wanted
    _refuse_others(name, known, wanted)
    return Sweep(name, folder, _shown(url, folder), study, Beginning.read(known))


def find_sweep(name: str, url: str | None) -> Sweep:
    """Open the study of a sweep that was begun.

    Raises:
        ConfigError: if there is none, or the address is of no database.
        TrainingError: if the database cannot be used.
    """
    folder = sweep_folder(name)
    shown = _shown(url, folder)
    none = ConfigError(f"There is no sweep {name} in {shown}: begin it with trials=20.")
    if url is None and not (folder / "study.db").exists():
        raise none
    with storage_errors(url):
        try:
            study = optuna.load_study(storage=_open(url or _own_url(folder)), study_name=name)
        except KeyError:
            raise none from None
        known = study.user_attrs.get("beginning")
    if known is None:
        raise none
    return Sweep(name, folder, shown, study, Beginning.read(known))


@contextmanager
def storage_errors(url: str | None) -> Iterator[None]:
    """Turn what a database does not do into one clear error, which tells no password.

    Raises:
        TrainingError: naming the storage and how to mend it.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)  # of heartbeats, since 2021
            yield
    except (SQLAlchemyError, OptunaError) as error:
        cause = error.__cause__ or error
        reason = (str(cause).strip() or type(cause).__name__).splitlines()[0]
        raise TrainingError(
            f"{_setting(url)} cannot be used ({reason}): mend it, or name another by storage=…;"
            " then run the command again, which goes on with what is kept."
        ) from error


def _open(url: str) -> optuna.storages.RDBStorage:
    with _address_errors(url):
        return optuna.storages.RDBStorage(
            url,
            engine_kwargs={"connect_args": {"timeout": _LOCKED_SECONDS}} if _is_file(url) else None,
            heartbeat_interval=_BEATS_EVERY_SECONDS,
            grace_period=DEAD_AFTER_SECONDS,
        )


def _is_file(url: str) -> bool:
    return make_url(url).get_backend_name() == "sqlite"


@contextmanager
def _address_errors(url: str) -> Iterator[None]:
    try:
        yield
    except ArgumentError as error:
        raise ConfigError(
            f"{_setting(url)} is no address of a database that is known here: give e.g."
            " sqlite:///sweeps.db or postgresql+psycopg://USER@HOST/DATABASE."
        ) from error
    except ImportError as error:
        raise ConfigError(
            f"{_setting(url)} needs a driver that is not installed ({error.__cause__ or error}):"
            " install it beside this command, e.g. psycopg[binary] for postgresql+psycopg://…."
        ) from error


def _setting(url: str | None) -> str:
    return f"storage={_shown(url, None)}" if url else "The study"


def _own_url(folder: Path) -> str:
    return f"sqlite:///{(folder / 'study.db').as_posix()}"


def _shown(url: str | None, folder: Path | None) -> str:
    if url is None:
        return str(folder / "study.db") if folder else ""
    try:
        return make_url(url).render_as_string(hide_password=True)
    except ArgumentError:
        return url


def _refuse_others(name: str, known: dict[str, Any], wanted: dict[str, Any]) -> None:
    """A study holds trials that can be compared: of one run, one space and one data set."""
    before, now = _flat(known), _flat(wanted)
    if before.get("fingerprint") == now.get("fingerprint"):
        now[_UNTIL] = before.get(_UNTIL)  # nothing was told in between
    changes = [
        f"{key.removeprefix('base.')} was {before.get(key)}, now {now.get(key)}"
        for key in sorted(before.keys() | now.keys())
        if before.get(key) != now.get(key)
        and (key in before or key.startswith("space."))  # a new release may have more settings
    ]
    if changes:
        more = f" and {len(changes) - 3} more" if len(changes) > 3 else ""  # noqa: PLR2004 (enough to see)
        raise ConfigError(
            f"The sweep {name} began otherwise: {'; '.join(changes[:3])}{more}. Begin another with"
            f" name=…, or go on with the settings that it began with."
        )


def _flat(document: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Dotted keys and values of what must not change."""
    flat: dict[str, Any] = {}
    for name, value in document.items():
        key = f"{prefix}{name}"
        if key in {"settings", "data"} or key.removeprefix("base.") in _MAY_DIFFER:
            continue
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{key}.")
        else:
            flat[key] = value
    return flat
