"""Spans of requests and their images, sent to an OpenTelemetry collector.

What is standard stands in the standard environment variables (`OTEL_EXPORTER_OTLP_ENDPOINT`,
`OTEL_SERVICE_NAME`, `OTEL_TRACES_SAMPLER`, ...), which the OpenTelemetry SDK reads itself; it is
imported only if an endpoint is set. Knows nothing of who computes.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mlopsproj_core.errors import ConfigError

if TYPE_CHECKING:
    from mlopsproj_records.record import PredictionRecord
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span
    from starlette.types import Scope

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_SERVER_ERRORS = 500


def tracing_from_environment() -> "Tracing | None":
    """Tracing as the environment wants it, None if it names no collector.

    Raises:
        ConfigError: if OpenTelemetry is not installed, or another protocol is asked for.
    """
    wanted = next((name for name in _ENDPOINTS if os.environ.get(name)), None)
    if wanted is None or os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return None
    for name in _PROTOCOLS:
        if os.environ.get(name, "http/protobuf") not in ("", "http/protobuf"):
            raise ConfigError(
                f"{name} is {os.environ[name]!r}; spans are sent by http/protobuf only: unset it."
            )
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415 (only if wanted)
            OTLPSpanExporter,
        )
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 (only if wanted)
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415 (only if wanted)
        from opentelemetry.sdk.trace.export import (  # noqa: PLC0415 (only if wanted)
            BatchSpanProcessor,
        )
    except ImportError as error:
        raise ConfigError(
            f"{wanted} is set, but OpenTelemetry is not installed: install the extra `tracing`"
            f" of mlopsproj-api, or unset {wanted}."
        ) from error
    name = os.environ.get("OTEL_SERVICE_NAME") or "mlopsproj-api"
    provider = TracerProvider(resource=Resource.create({"service.name": name}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return Tracing(provider)


class Tracing:
    """Makes spans; used from the event loop."""

    def __init__(self, provider: "TracerProvider") -> None:
        """Over a provider of the SDK."""
        from opentelemetry.trace.propagation.tracecontext import (  # noqa: PLC0415 (only if wanted)
            TraceContextTextMapPropagator,
        )

        self._provider = provider
        self._tracer = provider.get_tracer("mlopsproj_serving")
        self._propagator = TraceContextTextMapPropagator()
        self._open: dict[str, Context] = {}  # by request id

    @contextmanager
    def request(self, scope: "Scope") -> Iterator["RequestSpan"]:
        """The span around a request, under the one that its `traceparent` names, if it does."""
        from opentelemetry.trace import (  # noqa: PLC0415 (only if wanted)
            SpanKind,
            set_span_in_context,
        )

        carrier = {
            name.decode("latin-1"): value.decode("latin-1")
            for name, value in scope["headers"]
            if name in (b"traceparent", b"tracestate")
        }
        request_id = scope["state"]["request_id"]
        with self._tracer.start_as_current_span(
            scope["method"],
            context=self._propagator.extract(carrier),
            kind=SpanKind.SERVER,
            attributes={
                "http.request.method": scope["method"],
                "url.path": scope["path"],
                "mlopsproj.request_id": request_id,
            },
        ) as span:
            context = self._open[request_id] = set_span_in_context(span)
            try:
                yield RequestSpan(span, scope["method"])
            finally:
                if self._open.get(request_id) is context:  # a client may give an id twice
                    del self._open[request_id]

    def image(self, _image: bytes, record: "PredictionRecord") -> None:
        """Spans of an image's stages, under its request's; after the image was answered."""
        context = self._open.get(record.request_id)
        if context is None:
            return
        now = time.time_ns()
        computed = int(record.time.timestamp() * 1e9)
        attributes: dict[str, str | int] = {
            "mlopsproj.prediction_id": record.id,
            "mlopsproj.model": record.model,
            "mlopsproj.version": record.version,
        }
        at = computed - int(sum(record.latency_ms.values()) * 1e6)
        for stage, milliseconds in record.latency_ms.items():
            span = self._tracer.start_span(stage, context, attributes=attributes, start_time=at)
            at += int(milliseconds * 1e6)
            span.end(end_time=at)
        span = self._tracer.start_span("log", context, attributes=attributes, start_time=computed)
        span.end(end_time=max(now, computed))

    def close(self) -> None:
        """Send what is left; blocks until the collector took it or its time ran out."""
        self._provider.shutdown()


class RequestSpan:
    """The span of a request that is being answered."""

    def __init__(self, span: "Span", method: str) -> None:
        """A span of the SDK, around a request with this method."""
        self._span = span
        self._method = method

    def end(self, *, route: str, status: int) -> None:
        """Say what came of it."""
        from opentelemetry.trace import StatusCode  # noqa: PLC0415 (only if wanted)

        self._span.update_name(f"{self._method} {route}")
        self._span.set_attribute("http.route", route)
        self._span.set_attribute("http.response.status_code", status)
        if status >= _SERVER_ERRORS:
            self._span.set_status(StatusCode.ERROR)
