"""What is counted while serving, for Prometheus.

Every method may be called from any thread; an image and its request cost some microseconds in all.
Several processes count together when they share a folder. Knows nothing of HTTP, of how images are
computed, or of who reads.
"""

import sys
import time
from bisect import bisect_left
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Literal

from mlopsproj_serving.telemetry.tallies import Tallies

if TYPE_CHECKING:
    import psutil
    from mlopsproj_records.log import LogState

FailReason = Literal["image", "deadline", "abandoned", "not_durable", "internal"]
RefusalReason = Literal["queue", "no_model", "rate", "key", "body", "images"]
ShadowResult = Literal["agreed", "differed", "failed", "dropped"]
Kind = Literal["counter", "gauge", "histogram"]

PREFIX = "mlopsproj_api_"

_SECONDS = (
    *(0.0005, 0.001, 0.002, 0.004, 0.008, 0.015, 0.03, 0.06, 0.125, 0.25, 0.5),
    *(1.0, 2.5, 5.0, 10.0),
)
_SHARES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0)
_RECORD_RESULTS = ("appended", "direct", "refused", "moved", "rejected", "damaged", "expired")
_IMAGES = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0)


@dataclass(frozen=True, slots=True)
class Metric:
    """One line of the table of metrics.

    Attributes:
        name: after the prefix, with its unit; a counter's ends in "_total".
        kind: of Prometheus. A gauge has the label "worker", the number of the process, too.
        help: one sentence.
        labels: their names.
        bounds: upper ones of a histogram's buckets, ascending.
    """

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    bounds: tuple[float, ...] = ()

    @property
    def size(self) -> int:
        """Numbers that a series takes: one, or a count for each bucket, one beyond, the sum."""
        return len(self.bounds) + 2 if self.kind == "histogram" else 1


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric(
            "requests_total",
            "counter",
            "Requests that were answered.",
            ("route", "method", "status"),
        ),
        Metric(
            "request_duration_seconds",
            "histogram",
            "From the head of a request to the last byte of its answer.",
            ("route",),
            _SECONDS,
        ),
        Metric(
            "refusals_total",
            "counter",
            "Requests that were not let in, by reason.",
            ("reason",),
        ),
        Metric(
            "images_total",
            "counter",
            "Images that were answered, by the most probable class.",
            ("model", "version", "class"),
        ),
        Metric(
            "image_failures_total",
            "counter",
            "Images that were let in and got no prediction, by reason.",
            ("reason",),
        ),
        Metric(
            "image_duration_seconds",
            "histogram",
            "Of an answered image, by stage: queue, decode, infer, log, total.",
            ("stage",),
            _SECONDS,
        ),
        Metric(
            "batch_size_images",
            "histogram",
            "Images that were inferred together, once for each image.",
            (),
            _IMAGES,
        ),
        Metric(
            "confidence_ratio",
            "histogram",
            "Probability of the most probable class.",
            ("model", "version"),
            _SHARES,
        ),
        Metric("queue_images", "gauge", "Images that wait or are computed."),
        Metric(
            "model_info",
            "gauge",
            "1 for the version that a process answers with.",
            ("model", "version", "strategy"),
        ),
        Metric(
            "model_loads_total",
            "counter",
            "Versions that were to be served, by result: served, failed.",
            ("result",),
        ),
        Metric(
            "shadow_images_total",
            "counter",
            "Images copied to the shadow, by result: agreed, differed, failed, dropped.",
            ("result",),
        ),
        Metric(
            "feedback_total",
            "counter",
            "Labels that were taken, by whether the image is kept: stored, not_stored, unknown.",
            ("image",),
        ),
        Metric(
            "log_records_total",
            "counter",
            "Records of the prediction log, by what became of them: appended to the spool, moved to"
            " the database, direct (to the database), refused (nowhere), rejected (by the"
            " database), damaged (on the disk), expired.",
            ("result",),
        ),
        Metric(
            "log_images_total",
            "counter",
            "Images of the prediction log: stored, left_out (no space), failed.",
            ("result",),
        ),
        Metric(
            "log_spooled_records",
            "gauge",
            "Records that wait for the database, of a process and of dead ones that it adopted.",
        ),
        Metric("log_spooled_images", "gauge", "Images that wait for their store, likewise."),
        Metric("log_spool_bytes", "gauge", "Of the spool of all processes: take the maximum."),
        Metric("log_spool_limit_bytes", "gauge", "That the spool may hold, likewise."),
        Metric(
            "log_up",
            "gauge",
            "1 if a part of the prediction log works, else 0: spool, database, images.",
            ("part",),
        ),
        Metric("process_cpu_seconds_total", "counter", "Computed by all processes."),
        Metric("process_resident_memory_bytes", "gauge", "Of a process."),
        Metric("process_open_files", "gauge", "Of a process, sockets too."),
        Metric("process_start_time_seconds", "gauge", "Of a process, since 1970."),
    )
}
"""Every metric, by its name after the prefix `mlopsproj_api_`."""


class Metrics:
    """The numbers of this process, and of those beside it when they are read."""

    def __init__(self, folder: Path | None = None) -> None:
        """Begin at nought.

        Args:
            folder: that exists and that all processes of the service share; None if there is
                one process.
        """
        self._tallies = Tallies(folder)
        self._values = self._tallies.values
        self._lock = Lock()
        self._first: dict[tuple[str, ...], int] = {}
        # Found by the values themselves, so that nothing is formatted for an image or request.
        self._images: dict[tuple[str, int, str], tuple[int, int]] = {}
        self._requests: dict[tuple[str, str, int], tuple[int, int]] = {}
        self._stages: dict[str, int] = {}
        self._batch = self._find("batch_size_images")
        self._queue: Callable[[], int] | None = None
        self._log: Callable[[], LogState] | None = None
        self._process: psutil.Process | None = None
        self._before: dict[tuple[str, ...], float] = {}
        with self._lock:
            self._forget_gauges()
        self._set(time.time(), "process_start_time_seconds")

    def image_computed(
        self,
        *,
        model: str,
        version: int,
        class_name: str,
        confidence: float,
        latency_ms: Mapping[str, float],
        batch_size: int,
    ) -> None:
        """Count an image that is answered; called once for each, when its record is durable.

        Args:
            model: name.
            version: that computed it.
            class_name: most probable.
            confidence: its probability, 0 to 1.
            latency_ms: by stage: "queue", "decode", "infer", "log" (until durable), "total".
            batch_size: images that were inferred together.
        """
        values = self._values
        with self._lock:
            key = (model, version, class_name)
            found = self._images.get(key)
            if found is None:
                found = self._images[key] = (
                    self._find("images_total", model, str(version), class_name),
                    self._find("confidence_ratio", model, str(version)),
                )
            image, confidences = found
            values[image] += 1
            values[confidences + bisect_left(_SHARES, confidence)] += 1
            values[confidences + len(_SHARES) + 1] += confidence
            values[self._batch + bisect_left(_IMAGES, batch_size)] += 1
            values[self._batch + len(_IMAGES) + 1] += batch_size
            for stage, milliseconds in latency_ms.items():
                first = self._stages.get(stage)
                if first is None:
                    first = self._stages[stage] = self._find("image_duration_seconds", stage)
                seconds = milliseconds / 1e3
                values[first + bisect_left(_SECONDS, seconds)] += 1
                values[first + len(_SECONDS) + 1] += seconds

    def image_failed(self, reason: FailReason) -> None:
        """Count an image that was admitted and got no prediction."""
        self._add(1, "image_failures_total", reason)

    def request(self, *, route: str, method: str, status: int, seconds: float) -> None:
        """Count an answered request.

        Args:
            route: its template, e.g. "/v1/predictions/{id}", never the path.
            method: of HTTP.
            status: of the answer.
            seconds: until the last byte was handed over.
        """
        values = self._values
        with self._lock:
            key = (route, method, status)
            found = self._requests.get(key)
            if found is None:
                found = self._requests[key] = (
                    self._find("requests_total", route, method, str(status)),
                    self._find("request_duration_seconds", route),
                )
            request, duration = found
            values[request] += 1
            values[duration + bisect_left(_SECONDS, seconds)] += 1
            values[duration + len(_SECONDS) + 1] += seconds

    def refused(self, reason: RefusalReason) -> None:
        """Count a request that was not let in."""
        self._add(1, "refusals_total", reason)

    def model_served(self, *, model: str, version: int, strategy: str) -> None:
        """Say that this process answers with this version from now on."""
        with self._lock:
            for series in self._tallies.series.values():
                if series.name == "model_info":
                    self._values[series.first] = 0
            self._values[self._find("model_info", model, str(version), strategy)] = 1
        self._add(1, "model_loads_total", "served")

    def reload_failed(self) -> None:
        """Count a version that could not be loaded; the one before goes on."""
        self._add(1, "model_loads_total", "failed")

    def shadow(self, result: ShadowResult) -> None:
        """Count an image copied to the shadow, by what came of it.

        "agreed" and "differed" compare the most probable class with the answered one; "dropped"
        was never computed, since the shadow was behind.
        """
        self._add(1, "shadow_images_total", result)

    def feedback(self, *, stored: bool | None) -> None:
        """Count a label that was taken.

        Args:
            stored: whether the image is kept; None while that is not known.
        """
        kept = {True: "stored", False: "not_stored", None: "unknown"}[stored]
        self._add(1, "feedback_total", kept)

    def watch(
        self,
        *,
        queue: Callable[[], int] | None = None,
        log: "Callable[[], LogState] | None" = None,
    ) -> None:
        """Read these whenever the metrics are refreshed.

        Args:
            queue: images that wait or are computed now.
            log: state of the prediction log.
        """
        self._queue, self._log = queue or self._queue, log or self._log

    def refresh(self) -> None:
        """Read what is watched, and this process; now and then, for what another process reads."""
        if self._queue is not None:
            self._set(self._queue(), "queue_images")
        if self._log is not None:
            self._refresh_log(self._log())
        self._rise(time.process_time(), "process_cpu_seconds_total")
        if self._process is None:
            import psutil  # noqa: PLC0415 (not before a process answers)

            self._process = psutil.Process()
        self._set(self._process.memory_info().rss, "process_resident_memory_bytes")
        if sys.platform == "win32":
            self._set(self._process.num_handles(), "process_open_files")
        else:
            self._set(self._process.num_fds(), "process_open_files")

    def render(self) -> bytes:
        """All numbers of all processes, in the text format of Prometheus."""
        from mlopsproj_serving.telemetry.exposition import render_metrics  # noqa: PLC0415 (when it is read)

        self.refresh()
        return render_metrics(self._tallies.read_all())

    def close(self) -> None:
        """Leave the numbers to a process that takes this one's place."""
        with self._lock:
            self._forget_gauges()
            self._tallies.close()

    def _refresh_log(self, state: "LogState") -> None:
        self._set(state.spooled_records, "log_spooled_records")
        self._set(state.spooled_images, "log_spooled_images")
        self._set(state.spool_bytes, "log_spool_bytes")
        self._set(state.spool_limit_bytes, "log_spool_limit_bytes")
        for part in ("spool", "database", "images"):
            self._set(float(getattr(state, f"{part}_up")), "log_up", part)
        for result in _RECORD_RESULTS:
            self._rise(getattr(state, result), "log_records_total", result)
        for result in ("stored", "left_out", "failed"):
            self._rise(getattr(state, f"images_{result}"), "log_images_total", result)

    def _find(self, name: str, *labels: str) -> int:
        """Index of the first number of a series; under the lock, but for the constructor."""
        key = (name, *labels)
        first = self._first.get(key)
        if first is None:
            first = self._first[key] = self._tallies.find(name, labels, METRICS[name].size).first
        return first

    def _add(self, amount: float, name: str, *labels: str) -> None:
        with self._lock:
            self._values[self._find(name, *labels)] += amount

    def _set(self, value: float, name: str, *labels: str) -> None:
        with self._lock:
            self._values[self._find(name, *labels)] = value

    def _rise(self, total: float, name: str, *labels: str) -> None:
        """Add what a total of this process has grown by; the series may be an older process's."""
        key = (name, *labels)
        with self._lock:
            self._values[self._find(name, *labels)] += total - self._before.get(key, 0)
            self._before[key] = total

    def _forget_gauges(self) -> None:
        for series in self._tallies.series.values():
            if METRICS[series.name].kind == "gauge":
                self._values[series.first] = 0
