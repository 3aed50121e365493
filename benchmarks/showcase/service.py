"""The running `api` as its clients see it. Knows nothing of what the answers are for."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from showcase.cells import Cell

_PATIENCE_SECONDS = 120.0
_PAUSE_SECONDS = 0.2


@dataclass(frozen=True)
class Answer:
    """What was said of a cell.

    Attributes:
        cell: that was asked about.
        prediction_id: by which feedback names it.
        version: that answered.
        predicted: the most probable class.
        probability: of it.
    """

    cell: Cell
    prediction_id: str
    version: int
    predicted: str
    probability: float

    @property
    def correct(self) -> bool:
        """Whether it is the true class."""
        return self.predicted == self.cell.label


class Client:
    """Asks one service."""

    def __init__(self, url: str, work: Path) -> None:
        """Connect.

        Args:
            url: of the service.
            work: folder of the service's output, which errors name.
        """
        self._http = httpx.Client(base_url=url, timeout=60, trust_env=False)
        self._work = work

    def ask(self, cell: Cell) -> Answer:
        """Send a photograph as it is on the disk."""
        answer = self._post(
            "/v1/predict",
            content=cell.path.read_bytes(),
            headers={"Content-Type": "image/png"},
        )
        best = answer["predictions"][0]
        return Answer(
            cell, answer["id"], int(answer["version"]), best["class"], float(best["probability"])
        )

    def label(self, answer: Answer) -> bool:
        """Tell the true class of a cell; whether a model can learn from it."""
        told = {"prediction_id": answer.prediction_id, "label": answer.cell.label}
        return bool(self._post("/v1/feedback", json=told)["image_stored"])

    def version(self) -> int:
        """That answers now."""
        return int(self._get("/v1/model")["version"])

    def wait_for_version(self, number: int) -> float:
        """Until this version answers; the seconds that it took."""
        return self._wait(lambda: self.version() == number, f"answer with version {number}")

    def wait_until_logged(self) -> None:
        """Until nothing waits in the spool any more: records are in the database, images too."""
        self._wait(self._nothing_waits, "move its log into the database")

    def close(self) -> None:
        """Disconnect."""
        self._http.close()

    def _nothing_waits(self) -> bool:
        waiting = ("mlopsproj_api_log_spooled_records", "mlopsproj_api_log_spooled_images")
        lines = self._http.get("/metrics").text.splitlines()
        values = [float(line.split()[-1]) for line in lines if line.startswith(waiting)]
        return bool(values) and not any(values)

    def _wait(self, happened: Callable[[], bool], wanted: str) -> float:
        started = time.monotonic()
        while not happened():
            if time.monotonic() - started > _PATIENCE_SECONDS:
                raise TimeoutError(f"The service did not {wanted}: see the output in {self._work}.")
            time.sleep(_PAUSE_SECONDS)
        return time.monotonic() - started

    def _post(self, path: str, **content: Any) -> dict[str, Any]:
        return self._answer(self._http.post(path, **content))

    def _get(self, path: str) -> dict[str, Any]:
        return self._answer(self._http.get(path))

    @staticmethod
    def _answer(response: httpx.Response) -> dict[str, Any]:
        if response.is_error:
            raise RuntimeError(
                f"{response.request.url} answered {response.status_code}: {response.text}"
            )
        document: dict[str, Any] = response.json()
        return document
