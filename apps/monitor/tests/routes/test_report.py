import re
import threading

import pytest
from monitor.world import DARKER


@pytest.fixture
def asked(client, world, bundle):
    world.publish(bundle, "production")
    asked = client()
    world.predict(bundle, 300, scale=DARKER)
    asked.watch.look()
    return asked


def test_the_page_shows_what_the_latest_check_found(asked, world, bundle):
    world.predict(bundle, 300)  # since
    answer = asked.get("/v1/report")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "brightness fell" in answer.text
    assert "<b>300</b>" in answer.text
    assert "data:image/svg+xml" in answer.text


def test_the_page_asks_no_host_and_runs_nothing(asked):
    answer = asked.get("/v1/report?model=brightness&version=1")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "<script" not in answer.text
    assert not re.findall(r"""(?:src|href)=["'](?!data:|#)""", answer.text)


def test_a_page_is_made_once_for_each_check(asked, world, bundle, monkeypatch):
    first = asked.get("/v1/report").text
    monkeypatch.setattr("mlopsproj_monitor.reports.check", None)
    assert asked.get("/v1/report").text == first
    monkeypatch.undo()
    world.predict(bundle, 300)
    asked.watch.look()
    assert asked.get("/v1/report").text != first


def test_a_version_that_was_never_checked_is_shown_too(client, world, bundle):
    world.publish(bundle, "production")
    world.predict(bundle, 150)
    asked = client()
    answer = asked.get("/v1/report?model=brightness&version=1")
    assert answer.status_code == 200
    assert "<b>150</b>" in answer.text


def test_an_empty_window_has_a_page(client, world, bundle):
    world.publish(bundle, "production")
    asked = client()
    asked.watch.look()
    assert "not enough data" in asked.get("/v1/report").text


@pytest.mark.parametrize(
    ("query", "status"), [("?version=9", 404), ("?model=PETS", 404), ("?version=x", 422)]
)
def test_one_that_is_not_there_is_a_problem(asked, query, status):
    answer = asked.get(f"/v1/report{query}")
    assert (answer.status_code, answer.headers["content-type"]) == (
        status,
        "application/problem+json",
    )


def test_before_anything_is_watched_it_says_so(client):
    assert client().get("/v1/report").status_code == 503


def test_a_page_that_is_not_made_in_time_is_a_problem(asked, monkeypatch):
    hangs = threading.Event()
    monkeypatch.setattr("mlopsproj_monitor.routes.report.PATIENCE_SECONDS", 0.1)
    monkeypatch.setattr("mlopsproj_monitor.reports.check", lambda *_, **__: hangs.wait(60))
    answer = asked.get("/v1/report")
    hangs.set()
    assert answer.status_code == 503
    assert "not made within" in answer.json()["detail"]
