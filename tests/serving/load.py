"""Clients that ask without a pause, each over its own connection, and keep every answer.

Knows nothing of what an answer should be.
"""

import http.client
import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

JPEG = {"Content-Type": "image/jpeg"}


@dataclass(frozen=True)
class Ask:
    """A request; `note` is what the test wants to remember of it."""

    body: bytes | None = None
    headers: dict[str, str] = field(default_factory=lambda: dict(JPEG))
    method: str = "POST"
    path: str = "/v1/predict"
    note: object = None


@dataclass(frozen=True)
class Answer:
    """What became of a request.

    Attributes:
        status: None where no answer came.
        error: why none came.
        begun: whether something of an answer came.
        sent: monotonic seconds.
        ended: monotonic seconds.
    """

    ask: Ask
    status: int | None
    body: bytes
    headers: dict[str, str]
    error: str | None
    begun: bool
    sent: float
    ended: float

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def ids(self) -> list[str]:
        """Of the predictions in it."""
        if self.status != 200:
            return []
        found = self.json if isinstance(self.json, list) else [self.json]
        return [each["id"] for each in found if "id" in each]


class Load:
    """Threads that ask until they are told to stop."""

    def __init__(
        self,
        port: int,
        ask: Callable[[int], Ask],
        *,
        clients: int = 8,
        keep_alive: bool = True,
        pause_after_failure_seconds: float = 0.05,
    ) -> None:
        """Ask with `ask(number)`, whose numbers count over all clients."""
        self.answers: list[Answer] = []
        self._port = port
        self._ask = ask
        self._keep_alive = keep_alive
        self._pause = pause_after_failure_seconds
        self._number = 0
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._work, name=f"client-{n}", daemon=True)
            for n in range(clients)
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_) -> None:
        self.stop()

    def stop(self) -> None:
        """Wait for the answers that are under way, and ask no more."""
        self._stop.set()
        for thread in self._threads:
            thread.join(60)
            assert not thread.is_alive(), "a client waits for an answer for ever"

    def wait_for(self, answers: int, seconds: float = 60, *, status: int | None = 200) -> None:
        """Until so many more answers of a status have come."""
        begun = len(self.answers)
        end = time.monotonic() + seconds
        while sum(each.status == status for each in self.answers[begun:]) < answers:
            assert time.monotonic() < end, f"too few answers came: {self.summary()}"
            time.sleep(0.01)

    def ids(self) -> list[str]:
        """Of every prediction that was answered."""
        return [id_ for answer in self.answers for id_ in answer.ids]

    def of_status(self, *statuses: int | None) -> list[Answer]:
        return [each for each in self.answers if each.status in statuses]

    def summary(self) -> str:
        """How many answers of each kind."""
        return str(Counter(each.status or each.error for each in self.answers))

    def _work(self) -> None:
        connection = None
        while not self._stop.is_set():
            with self._lock:
                number, self._number = self._number, self._number + 1
            ask = self._ask(number)
            connection = connection or http.client.HTTPConnection(
                "127.0.0.1", self._port, timeout=30
            )
            answer = exchange(connection, ask)
            self.answers.append(answer)
            if answer.status is None or not self._keep_alive:
                connection.close()
                connection = None
            if answer.status is None or answer.status >= 500:
                self._stop.wait(self._pause)


def exchange(connection: http.client.HTTPConnection, ask: Ask) -> Answer:
    """One request and its answer over a connection."""
    sent = time.monotonic()
    begun = False
    try:
        connection.request(ask.method, ask.path, ask.body, ask.headers)
        response = connection.getresponse()
        begun = True
        body = response.read()
    except (OSError, http.client.HTTPException) as error:
        why = f"{type(error).__name__}: {error}"
        return Answer(ask, None, b"", {}, why, begun, sent, time.monotonic())
    headers = {name.lower(): value for name, value in response.getheaders()}
    return Answer(ask, response.status, body, headers, None, begun, sent, time.monotonic())


def ask_once(port: int, ask: Ask) -> Answer:
    """One request over a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        return exchange(connection, ask)
    finally:
        connection.close()
