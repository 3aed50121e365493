import io
import json
import logging
import sys
import time
from datetime import UTC, datetime

import pytest
from mlopsproj_serving.http.edge import Access
from mlopsproj_serving.process.logs import AccessLog, set_up_logging


def access(path="/v1/predict", status=200):
    return Access(
        request_id="id",
        method="POST",
        path=path,
        route="/v1/predict",
        status=status,
        milliseconds=12.5,
        client="10.0.0.1",
        received_bytes=None,
    )


@pytest.fixture
def root():
    """Logging as it was, afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield root
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, logger in logging.Logger.manager.loggerDict.items():
        if name.startswith("mlopsproj") and isinstance(logger, logging.Logger):
            logger.setLevel(logging.NOTSET)
    logging.getLogger("uvicorn.error").filters.clear()


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_messages_are_lines_of_json(monkeypatch, root):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    set_up_logging("info", service="mlopsproj_api")
    logger = logging.getLogger("mlopsproj_serving.x")
    logger.debug("not this")
    try:
        raise ValueError("a defect")
    except ValueError:
        logger.exception("failed with %d", 3)
    logging.getLogger("elsewhere").info("nor this")
    (line,) = map(json.loads, sys.stderr.getvalue().splitlines())
    assert abs(datetime.fromisoformat(line["time"]) - datetime.now(UTC)).total_seconds() < 60
    assert (line["level"], line["kind"], line["message"]) == ("error", "message", "failed with 3")
    assert "ValueError: a defect" in line["exception"]


def test_on_a_terminal_messages_are_plain(monkeypatch, root):
    monkeypatch.setattr(sys, "stderr", Terminal())
    set_up_logging("info", service="mlopsproj_api")
    logging.getLogger("mlopsproj_api").info("hello")
    assert sys.stderr.getvalue() == "hello\n"


def test_requests_are_lines_of_json(monkeypatch):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    log = AccessLog()
    log(access())
    log(access(status=500))
    log.close()
    good, bad = map(json.loads, sys.stderr.getvalue().splitlines())
    assert datetime.fromisoformat(good.pop("time")).tzinfo
    assert good == {
        "level": "info",
        "kind": "request",
        "request_id": "id",
        "method": "POST",
        "path": "/v1/predict",
        "route": "/v1/predict",
        "status": 200,
        "milliseconds": 12.5,
        "client": "10.0.0.1",
        "received_bytes": None,
    }
    assert (bad["level"], bad["status"]) == ("error", 500)


def test_on_a_terminal_requests_are_short(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    log = AccessLog()
    log(access())
    log.close()
    assert sys.stderr.getvalue().split(maxsplit=1)[1] == "POST /v1/predict 200 12.5 ms id\n"


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics"])
def test_what_looks_after_the_service_is_told_only_when_it_fails(monkeypatch, path):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    log = AccessLog()
    log(access(path, 200))
    log(access(path, 503))
    log.close()
    (line,) = map(json.loads, sys.stderr.getvalue().splitlines())
    assert line["status"] == 503


def test_a_line_of_odd_text_stays_one_line(monkeypatch):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    log = AccessLog()
    log(access('/a\n"b" \\ \u2028 \u00fc'))
    log.close()
    assert json.loads(sys.stderr.getvalue())["path"] == '/a\n"b" \\ \u2028 \u00fc'
    assert sys.stderr.getvalue().count("\n") == 1


class Stuck(io.StringIO):
    """Nobody reads it."""

    def write(self, text):
        time.sleep(60)


def test_a_reader_that_stands_still_holds_nothing_up(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Stuck())
    log = AccessLog()
    for _ in range(50_000):
        log(access())
    assert len(log._lines) <= 20_000


def test_a_reader_that_is_gone_ends_the_lines_and_nothing_else(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Gone())
    log = AccessLog()
    log(access())
    log.close()
    log(access())


class Gone(io.StringIO):
    def write(self, text):
        raise BrokenPipeError
