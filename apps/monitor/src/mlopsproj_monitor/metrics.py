"""What the monitor tells Prometheus.

Every method may be called from any thread. Knows nothing of how anything is found.
"""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, Literal

import prometheus_client
from mlopsproj_core.registry import ModelVersion
from mlopsproj_records.drift_history import DriftCheckRecord
from mlopsproj_serving.telemetry.metrics import Metric

from mlopsproj_monitor.verdicts import DRIFT, NOT_ENOUGH_DATA

if TYPE_CHECKING:
    from prometheus_client import Counter, Gauge, Histogram

PREFIX: Final = "mlopsproj_monitor_"
CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

FailReason = Literal["registry", "bundle", "database", "data", "internal"]

_VERSION = ("model", "version")
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)

METRICS: Final[dict[str, Metric]] = {
    metric.name: metric
    for metric in (
        Metric("checks_total", "counter", "Checks, by verdict.", (*_VERSION, "verdict")),
        Metric("check_failures_total", "counter", "Checks that could not be made.", ("reason",)),
        Metric(
            "check_duration_seconds", "histogram", "Of a check, its reading included.", (), _SECONDS
        ),
        Metric(
            "last_check_timestamp_seconds", "gauge", "When a version was last checked.", _VERSION
        ),
        Metric(
            "drift",
            "gauge",
            "1 if the last check found drift, 0 if not; absent while there is not enough data.",
            _VERSION,
        ),
        Metric("drift_p_value", "gauge", "Of the last check.", _VERSION),
        Metric(
            "detector_effect",
            "gauge",
            "How much a detector saw in the last check, in its own unit.",
            (*_VERSION, "detector"),
        ),
        Metric(
            "detector_p_value", "gauge", "Of a detector in the last check.", (*_VERSION, "detector")
        ),
        Metric("window_images", "gauge", "Images in the window of the last check.", _VERSION),
        Metric(
            "window_labelled_images", "gauge", "Of these, how many have their true label.", _VERSION
        ),
        Metric(
            "estimated_accuracy_ratio",
            "gauge",
            "Accuracy on the window as it is estimated without labels.",
            _VERSION,
        ),
        Metric(
            "accuracy_ratio", "gauge", "Accuracy on the window's images with true labels.", _VERSION
        ),
        Metric("reference_accuracy_ratio", "gauge", "Accuracy on the reference.", _VERSION),
        Metric(
            "last_prediction_timestamp_seconds",
            "gauge",
            "Time of the newest prediction in the log.",
            _VERSION,
        ),
        Metric("model_created_timestamp_seconds", "gauge", "When a version was made.", _VERSION),
        Metric("events_pending", "gauge", "Events that nobody has taken yet."),
        Metric("events_delivered_total", "counter", "Events that were taken."),
        Metric("event_failures_total", "counter", "Attempts to tell an event that failed."),
        Metric("retrainings", "gauge", "Retrainings in the database, by state.", ("state",)),
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
        Metric("refusals_total", "counter", "Requests that were not let in.", ("reason",)),
    )
}

_Labels = tuple[str, ...]


class MonitorMetrics:
    """The numbers of one process."""

    def __init__(self) -> None:
        """Count from 0."""
        # Else there is another series for each, which nobody reads.
        prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]  # (theirs)
        self._registry = prometheus_client.CollectorRegistry(auto_describe=False)
        self._made = {name: self._make(metric) for name, metric in METRICS.items()}
        self._shown: defaultdict[ModelVersion, dict[tuple[str, _Labels], None]] = defaultdict(dict)
        self._lock = Lock()

    def checked(self, record: DriftCheckRecord, seconds: float) -> None:
        """Count a check that was made here, and show what it found."""
        labels = (record.model, str(record.version), record.verdict)
        self._made["checks_total"].labels(*labels).inc()
        self._made["check_duration_seconds"].observe(seconds)
        self.show(record)

    def show(self, record: DriftCheckRecord) -> None:
        """Show what a check found, whichever process made it."""
        document = record.document
        figures: dict[str, float | None] = {
            "last_check_timestamp_seconds": record.time.timestamp(),
            "drift": None if record.verdict == NOT_ENOUGH_DATA else record.verdict == DRIFT,
            "drift_p_value": record.p_value,
            "window_images": record.images,
            "window_labelled_images": document.get("labelled"),
        }
        for name in ("estimated_accuracy", "accuracy", "reference_accuracy"):
            share = document.get(name)
            figures[f"{name}_ratio"] = None if share is None else share["value"]
        by_detector = {
            (f"detector_{figure}", each["name"]): each[figure]
            for each in document.get("detectors", ())
            for figure in ("effect", "p_value")
        }
        version = ModelVersion(record.model, record.version)
        with self._lock:
            for name, labels in [*self._shown[version]]:
                if name.startswith("detector_") and (name, labels[-1]) not in by_detector:
                    self._remove(version, name, labels[2:])
            for name, value in figures.items():
                self._set(version, name, value)
            for (name, detector), value in by_detector.items():
                self._set(version, name, value, detector)

    def watched(
        self, version: ModelVersion, *, last_prediction: datetime | None, created: datetime | None
    ) -> None:
        """Show how old a version and its last prediction are; what is not known is left out."""
        with self._lock:
            if last_prediction is not None:
                time = last_prediction.timestamp()
                self._set(version, "last_prediction_timestamp_seconds", time)
            if created is not None:
                self._set(version, "model_created_timestamp_seconds", created.timestamp())

    def keep_only(self, versions: set[ModelVersion]) -> None:
        """Show no version any longer that is watched no longer; what was counted stays."""
        with self._lock:
            for version in self._shown.keys() - versions:
                for name, labels in [*self._shown[version]]:
                    self._remove(version, name, labels[2:])
                del self._shown[version]

    def check_failed(self, reason: FailReason) -> None:
        """Count a check that could not be made."""
        self._made["check_failures_total"].labels(reason).inc()

    def events(self, *, delivered: int, failed: int, pending: int) -> None:
        """Count what came of telling events."""
        self._made["events_delivered_total"].inc(delivered)
        self._made["event_failures_total"].inc(failed)
        self._made["events_pending"].set(pending)

    def retrainings(self, counts: Mapping[str, int]) -> None:
        """Show how many retrainings are in each state."""
        for state, count in counts.items():
            self._made["retrainings"].labels(state).set(count)

    def request(self, *, route: str, method: str, status: int, seconds: float) -> None:
        """Count a request that was answered; see `mlopsproj_serving.http.counting`."""
        self._made["requests_total"].labels(route, method, str(status)).inc()
        self._made["request_duration_seconds"].labels(route).observe(seconds)

    def refused(self, reason: Literal["key", "rate"]) -> None:
        """Count a request that was not let in."""
        self._made["refusals_total"].labels(reason).inc()

    def render(self) -> bytes:
        """All numbers, in the text format of Prometheus."""
        return prometheus_client.generate_latest(self._registry)

    def _make(self, metric: Metric) -> Any:
        kinds: dict[str, type[Counter | Gauge | Histogram]] = {
            "counter": prometheus_client.Counter,
            "gauge": prometheus_client.Gauge,
            "histogram": prometheus_client.Histogram,
        }
        options: dict[str, Any] = {"buckets": metric.bounds} if metric.bounds else {}
        return kinds[metric.kind](
            PREFIX + metric.name,
            metric.help,
            metric.labels,
            registry=self._registry,
            **options,
        )

    def _set(self, version: ModelVersion, name: str, value: float | None, *more: str) -> None:
        if value is None:
            self._remove(version, name, more)
            return
        labels = (version.name, str(version.number), *more)
        self._made[name].labels(*labels).set(float(value))
        self._shown[version][name, labels] = None

    def _remove(self, version: ModelVersion, name: str, more: _Labels) -> None:
        labels = (version.name, str(version.number), *more)
        if self._shown[version].pop((name, labels), 0) is None:
            self._made[name].remove(*labels)
