import threading

from mlopsproj_core.errors import DatabaseAwayError, DataError, NotFoundError
from mlopsproj_monitor.repetition import Repetition
from mlopsproj_serving.http.problem_kinds import UNCHECKED


def test_it_is_ready_once_it_has_looked(client, world, bundle):
    asked = client()
    assert asked.get("/readyz").status_code == 503
    asked.watch.look()
    told = asked.get("/readyz").json()["detail"].replace(world.registry.url, "gs://models")
    assert told == UNCHECKED.example
    world.publish(bundle, "production")
    asked.watch.look()
    assert (asked.get("/readyz").status_code, asked.get("/readyz").text) == (200, "ok\n")


def test_it_says_why_it_is_not(client, world, bundle):
    world.publish(bundle, "production")
    asked = client()
    asked.watch.look()
    for part, error, kind in (
        ("registry", NotFoundError("no alias"), "unchecked"),
        ("brightness:1", DataError("another model"), "unchecked"),
        ("database", DatabaseAwayError("nobody answers"), "database"),
    ):
        asked.watch.conditions.fails(part, error)
        answer = asked.get("/readyz")
        assert (answer.status_code, answer.json()["detail"]) == (503, str(error))
        assert answer.json()["type"] == f"urn:mlopsproj:problem:{kind}"
        asked.watch.conditions.works(part)
    assert asked.get("/livez").text == "ok\n"


def test_it_does_not_live_when_a_loop_has_ended(client):
    asked = client()
    ended = Repetition("watch", lambda: None, seconds=3600)
    object.__setattr__(asked.app.state.monitor, "repetitions", (ended,))
    assert asked.get("/livez").status_code == 500
    ended.start()
    assert asked.get("/livez").status_code == 200
    ended.stop(patience_seconds=60)
    assert asked.get("/livez").status_code == 500


def test_it_is_not_ready_while_a_look_does_not_come_to_an_end(client, world, bundle, monkeypatch):
    world.publish(bundle, "production")
    asked = client()
    asked.watch.look()
    hangs, begun = threading.Event(), threading.Event()

    def look():
        begun.set()
        hangs.wait(60)

    looking = Repetition("watch", look, seconds=3600)
    object.__setattr__(asked.app.state.monitor, "repetitions", (looking,))
    looking.start()
    assert begun.wait(60)
    assert asked.get("/readyz").status_code == 200
    monkeypatch.setattr("mlopsproj_monitor.monitor.HANGS_SECONDS", 0.0)
    answer = asked.get("/readyz")
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:mlopsproj:problem:unchecked")
    assert "watch has not come to an end" in answer.json()["detail"]
    assert asked.get("/livez").status_code == 200
    hangs.set()
    looking.stop(patience_seconds=60)
    assert asked.get("/readyz").status_code == 200


def test_metrics_are_a_page_for_prometheus(client):
    asked = client()
    asked.get("/v1/drift")
    answer = asked.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert 'mlopsproj_monitor_requests_total{method="GET",route="/v1/drift",status="200"} 1.0' in (
        answer.text
    )
