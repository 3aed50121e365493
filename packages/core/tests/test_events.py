import http.server
import json
import logging
import socket
import threading
from datetime import UTC, datetime, timedelta, timezone
from uuid import uuid4

import pytest
from mlopsproj_core import events
from mlopsproj_core.errors import ConfigError, EventError
from mlopsproj_core.events import (
    DriftVerdict,
    Event,
    announce,
    deliver,
    drift_detected,
    model_promoted,
    receiver,
)
from mlopsproj_core.registry import Registry
from pydantic import ValidationError

MOMENT = datetime(2026, 2, 3, 4, 5, 6, tzinfo=timezone(timedelta(hours=2)))


@pytest.fixture
def event():
    return Event(
        id=uuid4(),
        type="drift-detected",
        time=datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC),
        model="slim",
        version=3,
        source="monitor",
        data={"worst": "größer"},
    )


class Answering(http.server.BaseHTTPRequestHandler):
    """Keeps what it is sent, and answers as it was told to, the last answer for ever."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.requests.append((self.path, dict(self.headers), body))
        answers = self.server.answers
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if answer == "hang up":
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        if answer == "nonsense":
            answer = b"this is no HTTP\r\n\r\n"
        if isinstance(answer, bytes):
            self.wfile.write(answer)
            return
        self.send_response(answer)
        if answer in range(300, 400):
            self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self):
        self.server.requests.append((self.path, "GET", b""))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def serve(monkeypatch):
    """Start a server that gives these answers; its requests and its address."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(events, "_FIRST_PAUSE_SECONDS", 0.01)
    servers = []

    def start(*answers):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answering)
        server.answers, server.requests = list(answers), []
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        servers.append(server)
        return server.requests, f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_an_event_is_one_json_document(event):
    assert json.loads(event.to_json()) == {
        "id": str(event.id),
        "type": "drift-detected",
        "schema": 1,
        "time": "2026-02-03T04:05:06Z",
        "model": "slim",
        "version": 3,
        "source": "monitor",
        "data": {"worst": "größer"},
    }
    assert Event.model_validate_json(event.to_json()) == event


@pytest.mark.parametrize("change", [{"type": "lunch"}, {"schema": 2}, {"time": "2026-02-03T04:05"}])
def test_no_event_of_another_kind_schema_or_without_a_time_zone(event, change):
    with pytest.raises(ValidationError):
        Event.model_validate({**json.loads(event.to_json()), **change})


def test_the_same_move_is_the_same_event_from_wherever_it_is_told(
    slim_bundle, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    registry = Registry("./registry")
    registry.publish(slim_bundle)
    made = registry.move_alias("slim", "production", 1, actor="Ada", reason="why not")
    registry.move_alias("slim", "candidate", 1, actor="Ada", reason="why not")
    first = model_promoted("slim", made, registry.url)
    again = Registry(str(tmp_path / "registry"))
    told = model_promoted("slim", again.history("slim", "production")[0], again.url)
    assert told.id == first.id
    assert told.model_copy(update={"source": first.source}) == first
    other = model_promoted("slim", again.history("slim", "candidate")[0], again.url)
    assert other.id != first.id


def test_a_promotion_tells_the_move(slim_bundle, tmp_path):
    registry = Registry(str(tmp_path))
    registry.publish(slim_bundle)
    gates = [{"name": "accuracy", "verdict": "pass"}]
    move = registry.move_alias("slim", "production", 1, actor="Ada", reason="r", gates=gates)
    told = model_promoted("slim", move.model_copy(update={"time": MOMENT}), registry.url)
    assert (told.type, told.model, told.version) == ("model-promoted", "slim", 1)
    assert (told.source, told.time) == (registry.url, MOMENT)
    assert told.time.tzinfo is UTC
    assert told.data == {
        "alias": "production",
        "sequence": 1,
        "actor": "Ada",
        "reason": "r",
        "rollback": False,
        "gates": gates,
    }


def test_a_check_that_found_drift_tells_what_changed_under_its_own_id():
    check_id = uuid4()
    verdict = DriftVerdict(
        changed=("brightness", "classes"),
        p_value=0.0005,
        effects={"brightness": 0.25},
        images=1000,
        since=MOMENT - timedelta(hours=1),
        until=MOMENT,
        estimated_accuracy=0.71,
    )
    about = {"model": "slim", "version": 3, "source": "sqlite:///log.db", "verdict": verdict}
    told = drift_detected(check_id, time=MOMENT, **about)
    assert told == drift_detected(check_id, time=MOMENT, **about)
    assert (told.id, told.type, told.source) == (check_id, "drift-detected", "sqlite:///log.db")
    assert (told.model, told.version, told.time) == ("slim", 3, MOMENT)
    assert told.time.tzinfo is UTC
    assert json.loads(told.to_json())["data"] == {
        "changed": ["brightness", "classes"],
        "p_value": 0.0005,
        "effects": {"brightness": 0.25},
        "images": 1000,
        "since": "2026-02-03T03:05:06+02:00",
        "until": "2026-02-03T04:05:06+02:00",
        "estimated_accuracy": 0.71,
        "accuracy": None,
        "reference_accuracy": None,
    }
    assert Event.model_validate_json(told.to_json()) == told


def test_a_misspelt_part_of_a_verdict_is_refused():
    with pytest.raises(ValidationError, match="pvalue"):
        DriftVerdict(changed=(), p_value=0.1, images=1, pvalue=0.2)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("log:", "log:"),
        ("LOG:anything", "log:"),
        ("https://host:8443/services/s3cret?key=1", "https://host:8443"),
        ("HTTP://host", "http://host"),
        ("github://owner/the.repo_1", "github://owner/the.repo_1"),
        ("GitHub://owner/repository", "github://owner/repository"),
    ],
)
def test_who_would_be_told_may_be_shown(url, shown):
    assert receiver(url) == shown


def test_errors_name_the_setting_that_is_meant(event, serve):
    _, address = serve(404)
    with pytest.raises(EventError, match=r"check MLOPSPROJ_MONITOR_RETRAIN\. Told again, it"):
        deliver(event, address, setting="MLOPSPROJ_MONITOR_RETRAIN")
    for url in ("nowhere:", "http://user:password@host/"):
        with pytest.raises(ConfigError, match="MLOPSPROJ_MONITOR_RETRAIN") as caught:
            deliver(event, url, setting="MLOPSPROJ_MONITOR_RETRAIN")
        assert "password" not in str(caught.value)


def test_a_move_that_nobody_hears_of_stands(slim_bundle, tmp_path, serve, caplog):
    registry = Registry(str(tmp_path))
    registry.publish(slim_bundle)
    move = registry.move_alias("slim", "production", 1, actor="Ada", reason="r")
    requests, url = serve(404)
    announce("slim", move, registry.url, url)
    assert json.loads(requests[0][2])["id"] == str(move.id)
    assert "did not take the event" in caplog.text
    announce("slim", move, registry.url, "nowhere:")
    assert "MLOPSPROJ_EVENT_URL begins with 'nowhere'" in caplog.text
    assert registry.history("slim", "production") == [move]


def test_tells_the_log(event, caplog):
    with caplog.at_level(logging.INFO, "mlopsproj_core.events"):
        deliver(event, "log:")
    assert caplog.messages == [f"event {event.to_json()}"]


@pytest.mark.parametrize("status", [200, 202, 204])
def test_tells_a_webhook_once(event, serve, status):
    requests, address = serve(status)
    deliver(event, f"{address}/hook?key=1")
    [(path, headers, body)] = requests
    assert path == "/hook?key=1"
    assert headers["Content-Type"] == "application/json"
    assert Event.model_validate_json(body) == event


@pytest.mark.parametrize("trouble", [500, 503, 429, 408, "hang up", "nonsense"])
def test_tells_again_after_trouble_that_may_pass(event, serve, trouble):
    requests, address = serve(trouble, trouble, 200)
    deliver(event, address)
    assert [json.loads(body)["id"] for _, _, body in requests] == [str(event.id)] * 3


@pytest.mark.parametrize("trouble", [500, "hang up", "nonsense"])
def test_gives_up_after_three_attempts(event, serve, trouble):
    requests, address = serve(trouble)
    with pytest.raises(EventError, match=f"did not take the event {event.id}"):
        deliver(event, address)
    assert len(requests) == events.ATTEMPTS == 3


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
def test_does_not_insist_where_it_is_refused(event, serve, status):
    requests, address = serve(status)
    with pytest.raises(EventError, match=f"{address} did not take .*{status}"):
        deliver(event, address)
    assert len(requests) == 1


def test_what_a_receiver_says_is_told_short_and_in_one_line(event, serve):
    said = b"no\0\x1b[31mno\x85" + 10_000 * b"!"
    _, address = serve(b"HTTP/1.1 400 " + said + b"\r\nContent-Length: 0\r\n\r\n")
    with pytest.raises(EventError, match=r"HTTP Error 400: no  \[31mno !!!") as caught:
        deliver(event, address)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirection_is_a_refusal_since_the_event_would_be_lost_on_the_way(event, serve, status):
    requests, address = serve(status)
    with pytest.raises(EventError, match=str(status)):
        deliver(event, address)
    assert [path for path, *_ in requests] == ["/"]


def test_nobody_listens(event, monkeypatch):
    monkeypatch.setattr(events, "_FIRST_PAUSE_SECONDS", 0.01)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        with pytest.raises(EventError, match=f"{address} did not take .*refused"):
            deliver(event, address)


def test_waits_longer_before_each_attempt_and_not_for_ever(event, serve, monkeypatch):
    _, address = serve(500)
    pauses = []
    monkeypatch.setattr(events.time, "sleep", pauses.append)
    with pytest.raises(EventError):
        deliver(event, address)
    assert pauses == [0.01, 0.02]


def test_the_secret_part_of_a_webhook_is_not_told(event, serve, caplog):
    requests, address = serve(200, 404)
    with caplog.at_level(logging.DEBUG):
        deliver(event, f"{address}/services/s3cret")
        with pytest.raises(EventError) as caught:
            deliver(event, f"{address}/services/s3cret")
    assert len(requests) == 2
    assert "s3cret" not in caplog.text + str(caught.value)
    assert address in caplog.text


def test_starts_workflows_at_github(event, serve, monkeypatch):
    requests, address = serve(204)
    monkeypatch.setenv("GITHUB_API_URL", f"{address}/")
    monkeypatch.setenv("GITHUB_TOKEN", "t0ken\n")
    deliver(event, "github://owner/the.repo_1")
    [(path, headers, body)] = requests
    assert path == "/repos/owner/the.repo_1/dispatches"
    assert headers["Authorization"] == "Bearer t0ken"
    assert headers["Accept"] == "application/vnd.github+json"
    assert json.loads(body) == {
        "event_type": "drift-detected",
        "client_payload": json.loads(event.to_json()),
    }
    assert len(json.loads(body)["client_payload"]) <= 10, "GitHub takes ten keys at most"


@pytest.mark.parametrize("token", [None, "", " ", "two words", "ümlaut"])
def test_github_needs_a_token(event, monkeypatch, token):
    monkeypatch.delenv("GITHUB_TOKEN", raising=False)
    if token is not None:
        monkeypatch.setenv("GITHUB_TOKEN", token)
    with pytest.raises(ConfigError, match="github://owner/repository needs GITHUB_TOKEN"):
        deliver(event, "github://owner/repository")


@pytest.mark.parametrize("server", ["file:///etc/passwd", "api.github.com", "ftp://x"])
def test_github_is_spoken_to_by_http_only(event, monkeypatch, server):
    monkeypatch.setenv("GITHUB_TOKEN", "t0ken")
    monkeypatch.setenv("GITHUB_API_URL", server)
    with pytest.raises(ConfigError, match="GITHUB_API_URL"):
        deliver(event, "github://owner/repository")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.org",
        "ftp://example.org",
        "file:///etc/passwd",
        "mailto:ada@example.org",
        "github://owner",
        "github://owner/repository/more",
        "github:owner/repository",
        "http://",
        "http:///path",
        "http://[::1",
        "http://host:port/",
        "http://host:99999/",
        "http://user:password@host/",
        "http://host/a path",
        "http://höst/",
        "http://two..dots/",
        f"http://{64 * 'a'}.example.org/",
        "http://host/\r\nX-Header: 1",
    ],
)
def test_an_address_that_cannot_be_told_anything_is_a_setting_to_mend(event, url):
    with pytest.raises(ConfigError, match="MLOPSPROJ_EVENT_URL"):
        deliver(event, url)
