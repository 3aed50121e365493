"""The service of Weights & Biases, as far as the mirror asks it, through its SDK.

Every failure comes out as one `MirrorError`, and soon: the SDK itself would ask for a key, or try
for minutes. Was exercised against a stand-in of the HTTP calls only, never a live account.
"""

import logging
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar
from uuid import uuid4

from mlopsproj_core.alias_history import AliasMove
from mlopsproj_core.bundle import Bundle
from mlopsproj_core.errors import MirrorError, MlopsprojError
from mlopsproj_core.manifest import MANIFEST
from pydantic import ValidationError

from mlopsproj_mirror.host import reach, without_user
from mlopsproj_mirror.label import Label
from mlopsproj_mirror.target import PROJECT, Target

if TYPE_CHECKING:
    import wandb

logger = logging.getLogger(__name__)

LABEL_FILE: Final = "mirrored.json"
"""Beside the bundle's files in an artifact. Without it two versions of one content would be one
artifact: W&B keeps each content once."""

_TYPE: Final = "model"
_ANSWER_SECONDS: Final = 20
_UPLOAD_SECONDS: Final = 1800

_Answer = TypeVar("_Answer")


@dataclass(frozen=True)
class Member:
    """A version in a collection of the mirror.

    Attributes:
        called: the name that W&B gives it.
        label: which of our versions it is; None if it says of none.
        aliases: that point at it there.
        artifact: of the SDK.
    """

    called: str
    label: Label | None
    aliases: frozenset[str]
    artifact: Any


class Service:
    """One registry of W&B."""

    def __init__(self, target: Target) -> None:
        """Reach it.

        Raises:
            MirrorError: if there is no key, it is refused, a variable of the SDK cannot be used,
                or the service cannot be reached.
        """
        self.target = target
        import wandb  # noqa: PLC0415 (1.1 s, and only those who mirror need it)

        settings = _settings()
        self._host = without_user(settings.base_url)
        if not settings.api_key and not self._ask(
            lambda: wandb.login(prompt=False, verify=False), "look for a key"
        ):
            raise MirrorError(
                f"There is no key for W&B ({self._host}): set WANDB_API_KEY, or run `wandb login`."
            )
        reach(settings.base_url)
        self._api: wandb.Api = self._ask(
            lambda: wandb.Api(overrides={"entity": target.entity}, timeout=_ANSWER_SECONDS),
            "take the key; check WANDB_API_KEY and WANDB_BASE_URL",
        )

    def members(self, name: str) -> list[Member]:
        """Versions in the collection of a model, the oldest first; none where there is no such."""
        path = self.target.collection(name)
        if not self._ask(lambda: self._exists(path), f"look for {path}"):
            return []
        # Not by `list`: it asks for a length first, and takes a TypeError in there for no answer.
        found = self._ask(
            lambda: [_member(artifact) for artifact in self._api.artifacts(_TYPE, path)],
            f"list {path}",
        )
        return found[::-1]

    def point(self, member: Member, alias: str, move: AliasMove) -> None:
        """Point an alias at a version, which takes it from the one that has it.

        Args:
            member: of a collection, as it was just listed.
            alias: that is moved.
            move: of ours that is told by it; kept in the version's label.
        """
        artifact = member.artifact
        if alias not in artifact.aliases:
            artifact.aliases = [*artifact.aliases, alias]
        label = Label.read(artifact.metadata) or member.label
        if label is not None:
            artifact.metadata = {**artifact.metadata, **label.moved(alias, move).as_dict()}
        # The alias goes first, so that no move is noted that is not there.
        self._ask(artifact.save, f"point {alias} at {member.called}")

    @contextmanager
    def uploading(self) -> Iterator[Callable[[Bundle, Label, dict[str, Any]], None]]:
        """Adds versions: `add(bundle, label, metadata)`, in the order of their numbers.

        One that fails half-way is not in the collection; adding it again goes on with it.
        """
        import wandb  # noqa: PLC0415 (as above)

        with tempfile.TemporaryDirectory(prefix="mlopsproj-mirror-") as folder:
            run = self._ask(
                lambda: wandb.init(
                    entity=self.target.entity,
                    project=PROJECT,
                    job_type="mirror",
                    id=f"mirror-{uuid4().hex[:16]}",
                    dir=folder,
                    mode="online",
                    reinit="create_new",  # beside the run that `train` has open
                    settings=_run_settings(),
                ),
                f"open a run in {self.target.entity}/{PROJECT}",
            )
            done = False
            try:
                yield lambda bundle, label, metadata: self._add(run, bundle, label, metadata)
                done = True
            finally:
                self._close(run, done=done)

    def _exists(self, path: str) -> bool:
        from wandb.errors import CommError  # noqa: PLC0415 (as above)

        try:
            self._api.artifact_collection(_TYPE, path)
        except CommError as error:
            # `artifact_collection_exists` takes a failure of the server for a no.
            if isinstance(error.exc, ValueError) and "Could not find" in str(error):
                return False
            raise
        return True

    def _add(self, run: Any, bundle: Bundle, label: Label, metadata: dict[str, Any]) -> None:
        import wandb  # noqa: PLC0415 (as above)

        def add() -> None:
            artifact = wandb.Artifact(bundle.manifest.name, type=_TYPE, metadata=metadata)
            for file in (MANIFEST, *bundle.manifest.files):
                path = str(bundle.path / file)
                artifact.add_file(path, name=file, policy="immutable", skip_cache=True)
            with artifact.new_file(LABEL_FILE) as written:
                written.write(label.model_dump_json(exclude={"moves"}))
            run.log_artifact(artifact).wait(timeout=_UPLOAD_SECONDS)
            if Label.read(artifact.metadata) is None:
                # W&B had this very content, and somebody has changed what it says of itself.
                artifact.metadata = {**artifact.metadata, **metadata}
                artifact.save()
            artifact.link(self.target.collection(bundle.manifest.name))

        self._ask(add, f"take {label.version}")

    def _close(self, run: Any, *, done: bool) -> None:
        try:
            run.finish(exit_code=0 if done else 1)
        except Exception as error:  # noqa: BLE001 (whatever it is, the artifacts are there or told)
            logger.warning("W&B did not close the run of the mirror (%s)", error)

    def _ask(self, question: Callable[[], _Answer], what: str) -> _Answer:
        try:
            return question()
        except MlopsprojError:
            raise
        except Exception as error:  # each part of the SDK raises its own
            raise MirrorError(
                f"W&B ({self._host}) did not {what}: {_reason(error)}. The registry is whole; once"
                " that is mended, `registry mirror push` goes on."
            ) from error


def _member(artifact: Any) -> Member:
    label = Label.read(artifact.metadata)
    return Member(artifact.qualified_name, label, frozenset(artifact.aliases), artifact)


def _settings() -> Any:
    """What the SDK reads of its files and of the environment."""
    import wandb  # noqa: PLC0415 (as above)

    try:
        return wandb.setup(wandb.Settings(silent=True)).settings
    except ValidationError as error:
        names = sorted({f"WANDB_{str(each['loc'][0]).upper()}" for each in error.errors()})
        # Not what it holds, nor the SDK's own words: an address may name a password.
        raise MirrorError(
            f"W&B is not asked: its SDK cannot use {', '.join(names)}. Correct it, or unset it."
        ) from None


def _run_settings() -> "wandb.Settings":
    """Of a run that holds artifacts only, and that gives up soon."""
    import wandb  # noqa: PLC0415 (as above)

    return wandb.Settings(
        silent=True,
        console="off",
        disable_git=True,
        disable_job_creation=True,
        save_code=False,
        init_timeout=_ANSWER_SECONDS,
        x_disable_machine_info=True,
        x_disable_meta=True,
        x_disable_stats=True,
        x_save_requirements=False,
        x_graphql_retry_max=2,
        x_graphql_timeout_seconds=_ANSWER_SECONDS,
        x_file_stream_retry_max=2,
        x_file_stream_timeout_seconds=_ANSWER_SECONDS,
        x_file_transfer_retry_max=2,
    )


def _reason(error: Exception) -> str:
    """What the SDK says, in one line."""
    text = without_user(" ".join(str(error).split())).rstrip(".")
    if "did not respond in time" in text:  # it speaks of its own process, also when W&B is ill
        return f"no usable answer in {_ANSWER_SECONDS} seconds"
    return text or type(error).__name__
