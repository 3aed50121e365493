import asyncio
import json
from dataclasses import replace

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mlopsproj_core.errors import NotDurableError
from mlopsproj_records.identifiers import uuid7
from mlopsproj_serving.http.keys import KeyRing, new_key
from mlopsproj_serving.routes.feedback import FeedbackAnswer

JSON = {"content-type": "application/json"}


def give(client, body, **options):
    answer = client.post("/v1/feedback", json=body, **options)
    if answer.status_code in (201, 202):
        msgspec.convert(answer.json(), FeedbackAnswer)
    return answer


def counted(client, image):
    page = client.app.state.metrics.render().decode()
    found = [line for line in page.splitlines() if f'feedback_total{{image="{image}"}}' in line]
    return float(found[0].split()[-1]) if found else 0.0


@pytest.fixture
def id_(logged, predict):
    return predict(logged).json()["id"]


def test_a_label_is_kept_and_told(logged, id_):
    answer = give(logged, {"prediction_id": id_, "label": "bright", "actor": "anna"})

    told = answer.json()
    assert answer.status_code == 201
    assert told["prediction_id"] == id_
    assert (told["label"], told["actor"]) == ("bright", "anna")
    assert told["checked"] is True
    assert logged.get(f"/v1/predictions/{id_}").json()["feedback"] == {
        name: told[name] for name in ("label", "actor", "time")
    }


def test_that_the_image_is_not_stored_is_said_and_counted(logged, id_):
    before = counted(logged, "not_stored")

    told = give(logged, {"prediction_id": id_, "label": "bright"}).json()

    assert told["image_stored"] is False
    assert "MLOPSPROJ_IMAGE_LOG_URL" in told["detail"]
    assert counted(logged, "not_stored") == before + 1


def test_that_the_image_is_stored_is_said_and_counted(serve, open_log, predict, tmp_path):
    log = open_log(image_url=str(tmp_path / "images"))
    keeping = serve(log=log)
    id_ = predict(keeping).json()["id"]
    assert log.flush(30)

    told = give(keeping, {"prediction_id": id_, "label": "dark"}).json()

    assert told["image_stored"] is True
    assert counted(keeping, "stored") == 1


def test_an_image_that_is_on_its_way_is_not_said_to_be_lost(serve, open_log, predict):
    """The store cannot be written: the image waits for it."""
    waiting = serve(log=open_log(image_url="/proc/images"))
    id_ = predict(waiting).json()["id"]

    told = give(waiting, {"prediction_id": id_, "label": "dark"}).json()

    assert told["image_stored"] is None
    assert "on its way" in told["detail"]
    assert counted(waiting, "unknown") == 1


def test_the_latest_counts(logged, id_):
    for label in ("bright", "dark", "bright"):
        assert give(logged, {"prediction_id": id_, "label": label}).status_code == 201

    assert logged.get(f"/v1/predictions/{id_}").json()["feedback"]["label"] == "bright"


def test_a_label_that_is_no_class_is_refused_with_those_that_are(logged, problem, id_):
    answer = give(logged, {"prediction_id": id_, "label": "brihgt"})

    told = problem(answer, 422, "invalid")
    assert '"brihgt"' in told["detail"]
    assert "dark, bright" in told["detail"]
    assert "new_class" in told["detail"]
    assert logged.get(f"/v1/predictions/{id_}").json()["feedback"] is None


def test_a_new_class_can_be_taught(logged, id_):
    body = {"prediction_id": id_, "label": "grey", "new_class": True}

    assert give(logged, body).status_code == 201
    assert logged.get(f"/v1/predictions/{id_}").json()["feedback"]["label"] == "grey"


def test_labels_of_an_earlier_version_are_looked_up_in_the_registry(logged, problem, id_):
    """The version that predicted is not the one that is served."""
    service = logged.app.state.service
    version = service.current.version
    service.current.version = replace(version, number=version.number + 1)
    try:
        assert give(logged, {"prediction_id": id_, "label": "dark"}).status_code == 201
        problem(give(logged, {"prediction_id": id_, "label": "grey"}), 422, "invalid")
    finally:
        service.current.version = version


def test_where_the_registry_does_not_know_the_version_the_label_is_taken(logged, id_):
    service, lookups = logged.app.state.service, logged.app.state.lookups
    registry, logged.app.state.registry = logged.app.state.registry, None
    model, service.current = service.current, None
    lookups._classes.clear()
    try:
        answer = give(logged, {"prediction_id": id_, "label": "grey"})
    finally:
        logged.app.state.registry, service.current = registry, model

    assert answer.status_code == 201
    assert "unchecked" in answer.json()["detail"]


@pytest.mark.parametrize("id_", ["x", "", "\x00", "01985d4e-0000-7000-8000-000000000000"])
def test_feedback_on_what_was_never_predicted_is_refused(logged, problem, id_):
    problem(give(logged, {"prediction_id": id_, "label": "dark"}), 404, "not-found")


def test_where_no_log_is_kept_it_says_so(client, problem):
    told = problem(give(client, {"prediction_id": uuid7(), "label": "dark"}), 404, "not-found")

    assert "MLOPSPROJ_API_LOG" in told["detail"]


def test_where_the_database_is_away_the_label_waits_in_the_spool_unchecked(away, predict):
    id_ = predict(away).json()["id"]
    before = away.app.state.service.log.state().appended

    answer = give(away, {"prediction_id": id_, "label": "anything"})

    told = answer.json()
    assert answer.status_code == 202
    assert told["checked"] is False
    assert told["image_stored"] is None
    assert "database is away" in told["detail"]
    assert away.app.state.service.log.state().appended == before + 1


def test_what_cannot_be_kept_is_not_said_to_be(logged, problem, id_, monkeypatch):
    log = logged.app.state.service.log
    monkeypatch.setattr(log, "append", lambda record, done: done(NotDurableError("Disk full.")))

    problem(give(logged, {"prediction_id": id_, "label": "dark"}), 503, "not-durable")


@pytest.mark.parametrize(
    ("sent", "actor"),
    [({}, "phone"), ({"actor": "anna"}, "phone/anna"), ({"actor": None}, "phone")],
)
def test_who_says_so_begins_with_the_key(serve, logged, predict, sent, actor):
    key, digest = new_key()
    keyed = serve(log=logged.app.state.service.log, keys=KeyRing({"phone": digest}))
    id_ = predict(logged).json()["id"]
    body = {"prediction_id": id_, "label": "dark", **sent}

    assert give(keyed, body, headers={"x-api-key": key}).json()["actor"] == actor


def test_without_a_key_or_a_name_it_is_anonymous(logged, id_):
    assert give(logged, {"prediction_id": id_, "label": "dark"}).json()["actor"] == "anonymous"


@pytest.mark.parametrize(
    ("options", "status", "slug"),
    [
        ({"content": b"{}", "headers": {"content-type": "text/plain"}}, 415, "media-type"),
        ({"content": b"{}"}, 415, "media-type"),
        ({"content": b"{", "headers": JSON}, 400, "malformed"),
        ({"content": b" " * 20_000, "headers": JSON}, 413, "too-large"),
        ({"json": []}, 422, "invalid"),
        ({"json": {"label": "dark"}}, 422, "invalid"),
        ({"json": {"prediction_id": "x"}}, 422, "invalid"),
        ({"json": {"prediction_id": "x", "label": ""}}, 422, "invalid"),
        ({"json": {"prediction_id": "x", "label": "a\x00b"}}, 422, "invalid"),
        ({"json": {"prediction_id": "x", "label": "a\n"}}, 422, "invalid"),
        ({"json": {"prediction_id": "x", "label": "a" * 201}}, 422, "invalid"),
        ({"json": {"prediction_id": "x", "label": "a", "actor": ""}}, 422, "invalid"),
        ({"json": {"prediction_id": "x", "label": "a", "new": True}}, 422, "invalid"),
        ({"json": {"prediction_id": 3, "label": "a"}}, 422, "invalid"),
    ],
)
def test_what_makes_no_sense_is_refused(logged, problem, options, status, slug):
    problem(logged.post("/v1/feedback", **options), status, slug)


@settings(max_examples=80, suppress_health_check=list(HealthCheck))
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=2)
            | st.dictionaries(
                st.sampled_from(["prediction_id", "label", "actor", "new_class", "x"]), inner
            )
        ),
        max_leaves=6,
    )
)
def test_any_json_is_refused_with_a_reason(logged, value):
    answer = logged.post("/v1/feedback", json=value)

    assert 400 <= answer.status_code < 500
    assert answer.json()["detail"]


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(label=st.text(min_size=1, max_size=200), actor=st.text(min_size=1, max_size=200))
def test_any_word_comes_back_as_it_was_or_is_refused(logged, predict, label, actor):
    id_ = predict(logged).json()["id"]
    body = {"prediction_id": id_, "label": label, "actor": actor, "new_class": True}

    answer = logged.post("/v1/feedback", content=json.dumps(body), headers=JSON)

    if answer.status_code == 201:
        assert (answer.json()["label"], answer.json()["actor"]) == (label, actor)
    else:
        assert answer.status_code in (400, 422)
        assert answer.json()["detail"]


def test_many_at_once_are_all_kept(logged, predict):
    ids = [predict(logged).json()["id"] for _ in range(20)]

    async def all_at_once():
        return await asyncio.gather(
            *(
                logged._http.post("/v1/feedback", json={"prediction_id": id_, "label": "dark"})
                for id_ in ids
            )
        )

    assert [answer.status_code for answer in logged.run(all_at_once())] == [201] * 20
