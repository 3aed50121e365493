"""What happened, told to others: to a webhook, to GitHub, or to the log.

An event that follows from a recorded fact takes its id from the fact, so that telling it again is
telling the same event. Knows nothing of who listens, nor of when to tell again.
"""

import json
import logging
import os
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime
from typing import Any, Final, Literal
from urllib.parse import urlsplit
from uuid import NAMESPACE_URL, UUID, uuid5

from pydantic import BaseModel, ConfigDict, Field

from mlopsproj_core.errors import ConfigError, EventError
from mlopsproj_core.registry import AliasMove

logger = logging.getLogger(__name__)

EventType = Literal["model-promoted", "drift-detected", "data-changed"]

ATTEMPTS: Final = 3
TIMEOUT_SECONDS: Final = 10.0
_FIRST_PAUSE_SECONDS = 0.5
_CLIENT_ERRORS = range(400, 500)


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
    time: datetime
    model: str | None = None
    version: int | None = None
    source: str
    data: dict[str, Any] = {}

    def to_json(self) -> str:
        """One JSON document."""
        return self.model_dump_json(by_alias=True)


def model_promoted(name: str, move: AliasMove, registry_url: str) -> Event:
    """The event of an alias's move; the same move gives the same event."""
    fact = f"{registry_url}/{name}/aliases/{move.alias}/{move.sequence}"
    return Event(
        id=uuid5(NAMESPACE_URL, fact),
        type="model-promoted",
        time=move.time.astimezone(UTC),
        model=name,
        version=move.version,
        source=registry_url,
        data=move.model_dump(mode="json", exclude={"version", "time"}),
    )


def deliver(event: Event, url: str) -> None:
    """Tell an event, three times at most.

    Args:
        event: what happened.
        url: `log:`; `http://…` or `https://…`, which is sent the event as JSON; or
            `github://owner/repository`, where it starts the workflows that wait for a
            `repository_dispatch` of its type (the token is `$GITHUB_TOKEN`, the server
            `$GITHUB_API_URL`, else https://api.github.com).

    Raises:
        ConfigError: if the URL is none of these, or there is no token.
        EventError: if nobody took it; it is not lost where it follows from a recorded fact.
    """
    parts = urlsplit(url)
    if parts.scheme == "log":
        logger.info("event %s", event.to_json())
    elif parts.scheme in {"http", "https"}:
        _post(event, url, event.to_json().encode(), {})
    elif parts.scheme == "github":
        _dispatch(event, f"{parts.netloc}{parts.path}")
    else:
        raise ConfigError(
            f"MLOPSPROJ_EVENT_URL={url} cannot be told anything: give log:, http(s)://… or"
            " github://owner/repository."
        )


def _dispatch(event: Event, repository: str) -> None:
    token = os.environ.get("GITHUB_TOKEN")
    if not token:
        raise ConfigError(
            f"github://{repository} needs GITHUB_TOKEN, a token that may write to its contents."
        )
    server = os.environ.get("GITHUB_API_URL", "https://api.github.com")
    body = {"event_type": event.type, "client_payload": json.loads(event.to_json())}
    headers = {"Accept": "application/vnd.github+json", "Authorization": f"Bearer {token}"}
    _post(event, f"{server}/repos/{repository}/dispatches", json.dumps(body).encode(), headers)


def _post(event: Event, url: str, body: bytes, headers: dict[str, str]) -> None:
    request = urllib.request.Request(  # noqa: S310 (the scheme was checked)
        url, body, {"Content-Type": "application/json", **headers}, method="POST"
    )
    pause = _FIRST_PAUSE_SECONDS
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS):  # noqa: S310 (as above)
                logger.info("told %s of event %s", url, event.id)
                return
        except OSError as error:
            refused = isinstance(error, urllib.error.HTTPError) and error.code in _CLIENT_ERRORS
            if refused or attempt == ATTEMPTS:
                raise EventError(
                    f"{url} did not take the event {event.id} ({error}): check"
                    " MLOPSPROJ_EVENT_URL, and tell it again."
                ) from error
        time.sleep(pause)
        pause *= 2
