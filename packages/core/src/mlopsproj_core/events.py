"""What happened, told to others: to a webhook, to GitHub, or to the log.

An event that follows from a recorded fact takes its id from the fact, so that telling it again is
telling the same event. Knows nothing of who listens, nor of when to tell again.
"""

import json
import logging
import os
import re
import time
import urllib.request
from datetime import UTC, datetime
from http.client import HTTPException
from typing import Any, Final, Literal
from urllib.error import HTTPError
from urllib.parse import urlsplit
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from mlopsproj_core.alias_history import AliasMove
from mlopsproj_core.errors import ConfigError, EventError

logger = logging.getLogger(__name__)

EventType = Literal["model-promoted", "drift-detected", "data-changed"]

ATTEMPTS: Final = 3
TIMEOUT_SECONDS: Final = 10.0
_FIRST_PAUSE_SECONDS = 0.5
_SAID_LENGTH = 200
_WEB = {"http", "https"}
_WORTH_ANOTHER_ATTEMPT = {408, 425, 429, *range(500, 600)}


class Event(BaseModel):
    """One thing that happened.

    Attributes:
        id: the same however often it is told.
        type: what kind of thing.
        schema_version: `schema` in JSON.
        time: UTC, when it happened.
        model: name of the model that it is about, if any.
        version: number of its version, if any.
        source: who says so, e.g. the URL of a registry.
        data: what else is known.
    """

    model_config = ConfigDict(frozen=True, populate_by_name=True)

    id: UUID
    type: EventType
    schema_version: Literal[1] = Field(default=1, alias="schema")
    time: AwareDatetime
    model: str | None = None
    version: int | None = None
    source: str
    data: dict[str, Any] = {}

    def to_json(self) -> str:
        """One JSON document."""
        return self.model_dump_json(by_alias=True)


class DriftVerdict(BaseModel):
    """What a check for drift found, as its event tells it.

    Attributes:
        changed: what has changed, in words, the most first.
        p_value: of the check: how often its like comes without drift, 0 to 1.
        effects: of the detectors that found drift, by name, each in its own unit.
        images: in the window.
        since: time of the first of them; None if it is not known.
        until: time of the last.
        estimated_accuracy: of the window, without labels, 0 to 1; None if it cannot be told.
        accuracy: of the images whose label is known; None if there are too few.
        reference_accuracy: on the images that the model was tested with; None if not known.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    changed: tuple[str, ...]
    p_value: float
    effects: dict[str, float] = {}
    images: int
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    estimated_accuracy: float | None = None
    accuracy: float | None = None
    reference_accuracy: float | None = None


def model_promoted(name: str, move: AliasMove, registry_url: str) -> Event:
    """The event of an alias's move; the same move gives the same event, wherever it is told."""
    return Event(
        id=move.id,
        type="model-promoted",
        time=move.time.astimezone(UTC),
        model=name,
        version=move.version,
        source=registry_url,
        data=move.model_dump(mode="json", exclude={"id", "version", "time"}),
    )


def drift_detected(
    check_id: UUID,
    *,
    time: datetime,
    model: str,
    version: int,
    source: str,
    verdict: DriftVerdict,
) -> Event:
    """The event of a check that found drift; the same check gives the same event.

    Args:
        check_id: of the record of the check.
        time: when it was made.
        model: that drifted.
        version: of it.
        source: whose predictions were checked, e.g. the URL of the database without a password.
        verdict: what was found, in short.
    """
    return Event(
        id=check_id,
        type="drift-detected",
        time=time.astimezone(UTC),
        model=model,
        version=version,
        source=source,
        data=verdict.model_dump(mode="json"),
    )


def deliver(event: Event, url: str, *, setting: str = "MLOPSPROJ_EVENT_URL") -> None:
    """Tell an event, three times at most.

    Args:
        event: what happened.
        url: `log:`; `http://…` or `https://…`, which is sent the event as JSON; or
            `github://owner/repository`, where it starts the workflows that wait for a
            `repository_dispatch` of its type (the token is `$GITHUB_TOKEN`, the server
            `$GITHUB_API_URL`, else https://api.github.com).
        setting: what holds the URL, as errors call it.

    Raises:
        ConfigError: if the URL is none of these, or there is no token.
        EventError: if nobody took it; it is not lost where it follows from a recorded fact.
    """
    shown = receiver(url, setting=setting)
    if shown == "log:":
        logger.info("event %s", event.to_json())
    elif shown.startswith("github://"):
        _dispatch(event, shown.removeprefix("github://"))
    else:
        _post(event, url, event.to_json().encode(), {}, setting=setting)


def receiver(url: str, *, setting: str = "MLOPSPROJ_EVENT_URL") -> str:
    """Who would be told under a URL, as it may be shown: a webhook's path may be its secret.

    Args:
        url: see `deliver`.
        setting: what holds the URL, as errors call it.

    Returns:
        `log:`, `github://owner/repository`, or scheme, host and port of a webhook.

    Raises:
        ConfigError: if nobody can be told anything there.
    """
    scheme, _, rest = url.partition(":")
    scheme = scheme.lower()
    if scheme == "log":
        return "log:"
    if scheme in _WEB:
        return _server(url, setting)
    if scheme == "github" and re.fullmatch(r"//[\w.-]+/[\w.-]+", rest, re.ASCII):
        return f"github:{rest}"
    raise ConfigError(
        f"{setting} begins with {scheme[:20]!r}, which cannot be told anything: give log:,"
        " http(s)://… or github://owner/repository."
    )


def announce(name: str, move: AliasMove, registry_url: str, event_url: str) -> None:
    """Tell of an alias's move; a warning in the log if nobody takes it.

    The move stands whether anybody hears of it: its event follows from the history.

    Args:
        name: of the model.
        move: of its alias.
        registry_url: where it was made.
        event_url: see `deliver`.
    """
    try:
        deliver(model_promoted(name, move, registry_url), event_url)
    except (EventError, ConfigError) as error:
        logger.warning("%s", error)


def _dispatch(event: Event, repository: str) -> None:
    token = os.environ.get("GITHUB_TOKEN", "").strip()
    if not re.fullmatch("[!-~]+", token):
        raise ConfigError(
            f"github://{repository} needs GITHUB_TOKEN, a token that may write to its contents."
        )
    server = os.environ.get("GITHUB_API_URL") or "https://api.github.com"
    url = f"{server.rstrip('/')}/repos/{repository}/dispatches"
    body = {"event_type": event.type, "client_payload": json.loads(event.to_json())}
    headers = {"Accept": "application/vnd.github+json", "Authorization": f"Bearer {token}"}
    _post(event, url, json.dumps(body).encode(), headers, setting="GITHUB_API_URL")


def _post(event: Event, url: str, body: bytes, headers: dict[str, str], *, setting: str) -> None:
    server = _server(url, setting)
    request = urllib.request.Request(  # noqa: S310 (the scheme was checked)
        url, body, {"Content-Type": "application/json", **headers}, method="POST"
    )
    opener = urllib.request.build_opener(_NoRedirect)
    pause = _FIRST_PAUSE_SECONDS
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with opener.open(request, timeout=TIMEOUT_SECONDS):
                logger.info("told %s of event %s", server, event.id)
                return
        except (OSError, HTTPException) as error:
            final = isinstance(error, HTTPError) and error.code not in _WORTH_ANOTHER_ATTEMPT
            if final or attempt == ATTEMPTS:
                raise EventError(
                    f"{server} did not take the event {event.id} ({_said(error)}): check"
                    f" {setting}. Told again, it has the same id."
                ) from error
        time.sleep(pause)
        pause *= 2


def _server(url: str, setting: str) -> str:
    """Scheme, host and port: what may be shown, since the rest of a webhook may be its secret.

    Raises:
        ConfigError: if nothing can be sent to the URL.
    """
    try:
        parts = urlsplit(url)
        usable = parts.scheme in _WEB and parts.hostname and parts.port != 0
        (parts.hostname or "").encode("idna")  # else refused in the middle of telling
    except ValueError:  # a UnicodeError is one
        usable = False
    if not usable or parts.username is not None or not re.fullmatch("[!-~]+", url):
        raise ConfigError(
            f"{setting} is no address to send to: give http(s)://host/path in ASCII (else escaped"
            " with %), without a user in front of the host."
        )
    return f"{parts.scheme}://{parts.netloc}"


def _said(error: Exception) -> str:
    """What went wrong, in one short line: a receiver that answers it may put anything there."""
    return "".join(c if c.isprintable() else " " for c in str(error))[:_SAID_LENGTH]


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A POST that is redirected would go on as a GET, without the event: take it for a refusal."""

    def redirect_request(self, *_: object) -> None:
        """Follow none."""
