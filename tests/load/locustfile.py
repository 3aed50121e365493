"""Clients of `/v1/predict` for locust: images of several sizes, and bad ones among them.

    IMAGES=folder RESULTS=file locust --locustfile tests/load/locustfile.py --host http://...

`IMAGES` holds files named `{kind}-{number}.jpg`; those whose kind is `bad` must be refused with
422, all others be answered with a prediction. `PAUSE_SECONDS` is the mean of a client's pauses,
which are of random lengths so that clients do not ask in step. Every request ends as a line in
`RESULTS`. Knows nothing of what is fast enough.
"""

import json
import os
import random
from itertools import count
from pathlib import Path

from locust import FastHttpUser, events, task

BAD = "bad"
WEIGHTS = {"100x100": 4, "640x480": 2, "1000x750": 2, BAD: 1}

_pause_seconds = float(os.environ.get("PAUSE_SECONDS", "0"))
_images: dict[str, list[bytes]] = {kind: [] for kind in WEIGHTS}
for _file in sorted(Path(os.environ["IMAGES"]).iterdir()):
    _images[_file.name.rpartition("-")[0]].append(_file.read_bytes())
_lines: list[str] = []
_numbers = count()


@events.request.add_listener
def remember(name, response_time, exception, **_) -> None:
    line = {"kind": name, "milliseconds": response_time, "error": exception and str(exception)}
    _lines.append(json.dumps(line))


@events.quitting.add_listener
def write(**_) -> None:
    Path(os.environ["RESULTS"]).write_text("\n".join(_lines), encoding="utf-8")


class Client(FastHttpUser):
    """Asks again and again, over one connection."""

    def on_start(self) -> None:
        self.random = random.Random(next(_numbers))

    def wait_time(self) -> float:
        return self.random.expovariate(1 / _pause_seconds) if _pause_seconds else 0

    @task
    def predict(self) -> None:
        (kind,) = self.random.choices(list(WEIGHTS), list(WEIGHTS.values()))
        image = self.random.choice(_images[kind])
        with self.client.post(
            "/v1/predict",
            data=image,
            headers={"Content-Type": "image/jpeg"},
            name=kind,
            catch_response=True,
        ) as answer:
            if kind == BAD and answer.status_code == 422:
                answer.success()
            elif answer.status_code == 200 and kind != BAD:
                if not answer.json()["predictions"]:
                    answer.failure("an answer without a prediction")
            else:
                answer.failure(f"status {answer.status_code}: {answer.text}")
