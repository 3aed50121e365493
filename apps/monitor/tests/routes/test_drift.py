import msgspec
import pytest
from mlopsproj_core.errors import DatabaseAwayError
from mlopsproj_records.drift_history import DriftHistory
from monitor.world import DARKER


@pytest.fixture
def drifted(client, world, bundle):
    """Asks about a version that drifted after it had not."""
    world.publish(bundle, "production")
    asked = client()
    for scale in (1.0, DARKER):
        world.predict(bundle, 300, scale=scale)
        asked.watch.look()
    return asked


def test_the_latest_check_of_what_is_watched_is_told(drifted, world):
    (version,) = drifted.get("/v1/drift").json()["versions"]
    check = version.pop("check")
    assert version == {
        "model": "brightness",
        "version": 1,
        "alias": "production",
        "last_prediction": world.now.isoformat().replace("+00:00", "Z"),
        "problem": None,
    }
    assert (check["verdict"], check["images"], check["alpha"]) == ("drift", 600, 0.01)
    assert any("brightness fell" in text for text in check["changed"])
    named = {each["name"]: each for each in check["detectors"]}
    assert named["brightness"]["drifted"]
    assert named["brightness"]["effect_unit"] == "Kolmogorov-Smirnov distance"


def test_a_version_may_be_asked_for(drifted):
    def versions(query):
        answer = drifted.get(f"/v1/drift?{query}").json()
        return [each["version"] for each in answer["versions"]]

    assert versions("model=brightness&version=1") == versions("version=1") == [1]
    assert versions("model=brightness") == [1]


def test_one_that_was_watched_once_may_be_asked_for(drifted):
    drifted.watch.watch.watched = ()
    assert drifted.get("/v1/drift").json() == {"versions": []}
    (version,) = drifted.get("/v1/drift?model=brightness&version=1").json()["versions"]
    assert version["check"]["verdict"] == "drift"


@pytest.mark.parametrize("query", ["model=pets", "version=7", "model=%00x", "model=a%27"])
def test_one_that_was_never_checked_is_not_there(drifted, query):
    answer = drifted.get(f"/v1/drift?{query}")
    assert answer.status_code in (404, 422)
    assert answer.headers["content-type"] == "application/problem+json"


def test_history_goes_back_page_by_page(drifted):
    first = drifted.get("/v1/drift/history?limit=1").json()
    assert [each["verdict"] for each in first["checks"]] == ["drift"]
    second = drifted.get(f"/v1/drift/history?limit=1&before={first['before']}").json()
    assert [each["verdict"] for each in second["checks"]] == ["no drift"]
    assert second["before"] is None
    assert len(drifted.get("/v1/drift/history").json()["checks"]) == 2
    assert drifted.get("/v1/drift/history?version=2").json()["checks"] == []


@pytest.mark.parametrize(
    "query",
    [
        *("limit=0", "limit=501", "limit=-1", "limit=x", "limit=²", "limit=", "before="),
        *("version=0", "version=00", f"version={'0' * 19}1{'9' * 30}", f"version={'9' * 5000}"),
    ],
)
def test_what_cannot_be_asked_for_is_named(drifted, query):
    answer = drifted.get(f"/v1/drift/history?{query}")
    assert answer.status_code == 422
    assert query.partition("=")[0] in answer.json()["detail"]


def test_a_page_after_a_check_that_is_none_is_not_there(drifted):
    assert drifted.get("/v1/drift/history?before=x").status_code == 404


def test_a_version_that_cannot_be_checked_says_why(drifted):
    drifted.watch.conditions.fails("brightness:1", DatabaseAwayError("it has no reference"))
    (version,) = drifted.get("/v1/drift").json()["versions"]
    assert version["problem"] == "it has no reference"


def test_a_database_that_is_away_is_a_problem(drifted, monkeypatch):
    def away(*_, **__):
        raise DatabaseAwayError("nobody answers")

    monkeypatch.setattr(drifted.watch.database, "run", away)
    answer = drifted.get("/v1/drift")
    assert (answer.status_code, answer.json()["detail"]) == (503, "nobody answers")
    assert answer.headers["retry-after"]


def test_a_check_of_another_program_is_a_problem_and_no_defect(drifted):
    (check, *_) = drifted.watch.checks()
    strange = msgspec.structs.replace(
        check, id="ffffffff", time=check.time, document={"verdict": 3}
    )
    DriftHistory(drifted.watch.database).record(strange)
    answer = drifted.get("/v1/drift/history")
    assert answer.status_code == 503
    assert "ffffffff" in answer.json()["detail"]
