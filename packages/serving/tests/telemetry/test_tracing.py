import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise

import pytest
from mlopsproj_core.errors import ConfigError
from mlopsproj_serving.telemetry.tracing import tracing_from_environment

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"


class Collector(ThreadingHTTPServer):
    """Takes spans by OTLP over HTTP, as an OpenTelemetry collector does."""

    def __init__(self):
        self.spans = []
        self.services = set()
        super().__init__(("127.0.0.1", 0), _Handler)

    def take(self, body):
        from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
            ExportTraceServiceRequest,
        )

        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            self.services |= {
                attribute.value.string_value
                for attribute in resource.resource.attributes
                if attribute.key == "service.name"
            }
            for scope in resource.scope_spans:
                self.spans += scope.spans

    def named(self, name):
        (span,) = (span for span in self.spans if span.name == name)
        return span


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        assert self.path == "/v1/traces"
        self.server.take(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.send_header("Content-Type", "application/x-protobuf")
        self.end_headers()

    def log_message(self, *arguments):
        pass


@contextmanager
def collecting():
    with Collector() as collector:
        thread = threading.Thread(target=collector.serve_forever)
        thread.start()
        try:
            yield collector
        finally:
            collector.shutdown()
            thread.join()


@pytest.fixture(autouse=True)
def no_settings(monkeypatch):
    for name in (
        *("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"),
        *("OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_SDK_DISABLED", "OTEL_SERVICE_NAME"),
        *("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"),
    ):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def collector(monkeypatch):
    pytest.importorskip("opentelemetry.sdk", reason="needs the extra `tracing`")
    with collecting() as collector:
        address = f"http://127.0.0.1:{collector.server_port}"
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address)
        yield collector


def attributes(span):
    return {each.key: each.value.string_value or each.value.int_value for each in span.attributes}


def test_a_request_and_the_stages_of_its_image_reach_the_collector(collector, serve, image):
    tracing = tracing_from_environment()
    client = serve(tracing=tracing)
    client.app.state.service.after_answer.append(tracing.image)
    begun = time.time_ns()
    answer = client.post(
        "/v1/predict",
        content=image(),
        headers={
            "Content-Type": "image/jpeg",
            "X-Request-ID": "mine",
            "traceparent": f"00-{TRACE}-{PARENT}-01",
        },
    )
    ended = time.time_ns()
    assert answer.status_code == 200
    tracing.close()

    request = collector.named("POST /v1/predict")
    assert collector.services == {"mlopsproj-api"}
    assert (request.trace_id.hex(), request.parent_span_id.hex()) == (TRACE, PARENT)
    assert attributes(request) == {
        "http.request.method": "POST",
        "url.path": "/v1/predict",
        "mlopsproj.request_id": "mine",
        "http.route": "/v1/predict",
        "http.response.status_code": 200,
    }
    stages = [collector.named(name) for name in ("queue", "decode", "infer", "log")]
    assert len(collector.spans) == 1 + len(stages)
    for before, after in pairwise(stages):
        assert before.end_time_unix_nano <= after.start_time_unix_nano + 1_000_000
    for stage in stages:
        assert (stage.trace_id.hex(), stage.parent_span_id) == (TRACE, request.span_id)
        assert attributes(stage)["mlopsproj.prediction_id"] == answer.json()["id"]
        assert begun - 5_000_000 <= stage.start_time_unix_nano <= stage.end_time_unix_nano <= ended


def test_failures_are_marked_and_a_request_without_a_parent_begins_a_trace(collector, serve):
    tracing = tracing_from_environment()
    client = serve(tracing=tracing, model=False)
    assert client.post("/v1/predict", content=b"x").status_code in {415, 503}
    assert client.get("/nothing").status_code == 404
    tracing.close()
    unknown = collector.named("GET none")
    assert unknown.parent_span_id == b""
    assert unknown.status.code == unknown.status.STATUS_CODE_UNSET
    assert tracing._open == {}


def test_a_collector_that_is_away_holds_nothing_up(monkeypatch, serve, image):
    pytest.importorskip("opentelemetry.sdk", reason="needs the extra `tracing`")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
    tracing = tracing_from_environment()
    client = serve(tracing=tracing)
    headers = {"Content-Type": "image/jpeg"}
    assert client.post("/v1/predict", content=image(), headers=headers).status_code == 200
    tracing.close()


@pytest.mark.parametrize(
    "environment", [{}, {"OTEL_SDK_DISABLED": "true", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://x"}]
)
def test_off_it_is_none(monkeypatch, environment):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert tracing_from_environment() is None


def test_off_nothing_of_it_is_imported():
    code = (
        "import sys\nfrom mlopsproj_serving.telemetry.tracing import tracing_from_environment\n"
        "assert tracing_from_environment() is None\n"
        "print([name for name in sys.modules if name.startswith('opentelemetry')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_another_protocol_is_refused(monkeypatch):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4317")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
    with pytest.raises(ConfigError, match=r"OTEL_EXPORTER_OTLP_PROTOCOL is 'grpc'.*http/protobuf"):
        tracing_from_environment()


def test_a_missing_extra_is_named(monkeypatch):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://127.0.0.1:4318")
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(ConfigError, match=r"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT.*extra `tracing`"):
        tracing_from_environment()
