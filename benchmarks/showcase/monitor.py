"""The running `monitor` as people see it: what it found, and what it asks for."""

import contextlib
import os
import shlex
import signal
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import httpx

from showcase.workplace import MODEL, Workplace

Found = TypeVar("Found")

_CHECK_SECONDS, _TRAINING_SECONDS, _PAUSE_SECONDS = 300.0, 7200.0, 0.5


class Monitor:
    """A service that checks after every `window` images, and that a person asks and tells."""

    def __init__(self, workplace: Workplace, window: int, retraining: Sequence[str]) -> None:
        """Start it.

        Args:
            workplace: where it runs.
            window: images that it looks at, and that must have come since its last check.
            retraining: the command that drift shall start, once a person has approved.
        """
        self._workplace = workplace
        self._server, url = workplace.start(
            "monitor",
            MLOPSPROJ_MONITOR_WINDOW_IMAGES=str(window),
            MLOPSPROJ_MONITOR_STEP_IMAGES=str(window),
            MLOPSPROJ_MONITOR_INTERVAL_SECONDS="1",
            MLOPSPROJ_MONITOR_ACCESS_LOG="0",
            MLOPSPROJ_MONITOR_RETRAIN=f"command:{shlex.join(retraining)}",
        )
        self._http = httpx.Client(base_url=url, timeout=60, trust_env=False)

    def check(self, version: int, number: int) -> dict[str, Any]:
        """Wait for a check, and take it.

        Args:
            version: that is checked.
            number: which one of those that had enough images, from 1.
        """

        def found() -> dict[str, Any] | None:
            page = self._get("/v1/drift/history", model=MODEL, version=version, limit=500)
            enough = [one for one in page["checks"] if one["verdict"] != "not enough data"]
            if len(enough) > number:
                raise RuntimeError(f"{len(enough)} checks of version {version}, not {number}")
            return enough[0] if len(enough) == number else None

        return self._wait(found, f"check {number} of version {version}", _CHECK_SECONDS)

    def waiting(self) -> list[str]:
        """Ids of the retrainings that wait for approval."""
        return [one["id"] for one in self._retrainings() if one["state"] == "waiting"]

    def approve(self, retraining: str) -> dict[str, Any]:
        """Approve of one, and wait for its end; what became of it."""
        self._workplace.run("monitor", "approve", retraining, "--reason", "labels are there")

        def ended() -> dict[str, Any] | None:
            (own,) = [one for one in self._retrainings() if one["id"] == retraining]
            return own if own["state"] in {"done", "failed", "declined"} else None

        return self._wait(ended, "the end of the retraining", _TRAINING_SECONDS)

    def report(self) -> bytes:
        """The page for people."""
        return self._http.get("/v1/report").raise_for_status().content

    def close(self) -> None:
        """End it, and what it started: a retraining outlives it otherwise, as it should."""
        self._http.close()
        self._server.close()
        for started in self._workplace.folder.glob("monitor/retrainings/*/started"):
            if not started.with_name("exit.json").exists():
                with contextlib.suppress(ProcessLookupError, ValueError):
                    os.killpg(int(started.read_text(encoding="utf-8")), signal.SIGTERM)

    def _retrainings(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._get("/v1/retraining")["retrainings"]
        return found

    def _get(self, path: str, **query: str | int) -> dict[str, Any]:
        response = self._http.get(path, params=query)
        if response.is_error:
            raise RuntimeError(f"{path} answered {response.status_code}: {response.text}")
        document: dict[str, Any] = response.json()
        return document

    def _wait(self, look: Callable[[], Found | None], wanted: str, seconds: float) -> Found:
        until = time.monotonic() + seconds
        while (found := look()) is None:
            if time.monotonic() > until:
                tail = self._server.output()[-3000:]
                raise TimeoutError(f"The monitor did not come to {wanted}: {tail}")
            time.sleep(_PAUSE_SECONDS)
        return found
