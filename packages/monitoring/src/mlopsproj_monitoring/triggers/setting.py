"""What starts a retraining, read from a setting. Knows nothing of when."""

import shlex
import sys
from pathlib import Path
from typing import Final, Protocol

from mlopsproj_core.errors import ConfigError
from mlopsproj_core.events import Event, receiver
from mlopsproj_records.retraining import Retraining, Retrainings

from mlopsproj_monitoring.triggers.command import CommandTrigger
from mlopsproj_monitoring.triggers.webhook import WebhookTrigger

SETTING: Final = "MLOPSPROJ_MONITOR_RETRAIN"


class RetrainingTrigger(Protocol):
    """A way to start a retraining."""

    @property
    def how(self) -> str:
        """What is done, as a person is shown it, without secrets."""

    def start(self, retrainings: Retrainings, retraining: Retraining, event: Event) -> None:
        """Start one that is approved, unless another process does.

        Args:
            retrainings: where it is recorded.
            retraining: that is to be started.
            event: that it follows from.

        Raises:
            RecordsError: if the database cannot be used.
        """


def read_trigger(text: str | None, *, folder: Path) -> RetrainingTrigger | None:
    """What starts a retraining.

    Args:
        text: `command:uv run train …`, which is run here, without a shell; its words are shown,
            so that a secret belongs into the environment;
            `github://owner/repository`, where workflows are started as by `deliver`; or
            `http(s)://…`, which is sent the event. None for nothing.
        folder: where commands keep their output; made when one is started.

    Raises:
        ConfigError: if it is none of these.
    """
    if text is None:
        return None
    scheme, _, rest = text.strip().partition(":")
    if scheme.lower() == "command":
        return CommandTrigger(_words(rest), folder)
    if scheme.lower() not in {"github", "http", "https"}:
        raise ConfigError(
            f"{SETTING} begins with {scheme[:20]!r}, which starts nothing: give command:…,"
            " github://owner/repository or http(s)://…."
        )
    return WebhookTrigger(text.strip(), receiver(text.strip(), setting=SETTING), SETTING)


def _words(command: str) -> list[str]:
    if sys.platform == "win32":
        raise ConfigError(
            f"{SETTING} names a command, which needs Linux or macOS: give a webhook instead."
        )
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise ConfigError(
            f"{SETTING} names a command that cannot be read ({error}): quote it as in a shell."
        ) from error
    if not words or "\0" in command:
        raise ConfigError(f"{SETTING} names no command: give e.g. command:uv run train.")
    return words
