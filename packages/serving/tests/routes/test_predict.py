import base64
import json
import threading

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mlopsproj_serving.config import Limits
from mlopsproj_serving.http.answers import Prediction

RAW = {"content-type": "image/jpeg"}


def label_of(answer):
    return msgspec.convert(answer, Prediction).predictions[0].class_


def in_base64(data):
    return base64.b64encode(data).decode()


@pytest.mark.parametrize("content_type", ["image/jpeg", "image/png", "application/octet-stream"])
@pytest.mark.parametrize(("level", "label"), [(10, "dark"), (250, "bright")])
def test_a_raw_image_is_answered_with_a_prediction(client, image, content_type, level, label):
    answer = client.post(
        "/v1/predict", content=image(level), headers={"content-type": content_type}
    )

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-request-id"]
    assert label_of(answer.json()) == label


def test_an_image_without_a_content_type_is_one(client, image):
    answer = client.post("/v1/predict", content=image(250))

    assert "content-type" not in answer.request.headers
    assert label_of(answer.json()) == "bright"


def test_curl_need_not_be_told_what_it_sends(client, image):
    headers = {"content-type": "application/x-www-form-urlencoded"}

    answer = client.post("/v1/predict", content=image(10), headers=headers)

    assert label_of(answer.json()) == "dark"


def test_one_file_of_any_name_is_answered_with_a_prediction(client, image):
    answer = client.post("/v1/predict", files={"whatever": ("photo.jpg", image(10))})

    assert label_of(answer.json()) == "dark"


def test_one_image_in_json_is_answered_with_a_prediction(client, image):
    answer = client.post("/v1/predict", json={"image": in_base64(image(10))})

    assert label_of(answer.json()) == "dark"


def test_several_files_are_answered_in_their_order(client, image):
    levels = [10, 250, 20, 240]
    files = [("file", (f"{level}.png", image(level, "PNG"))) for level in levels]

    answers = client.post("/v1/predict", files=files).json()

    assert [label_of(answer) for answer in answers] == ["dark", "bright", "dark", "bright"]
    assert len({answer["id"] for answer in answers}) == 4


@pytest.mark.parametrize("count", [1, 3])
def test_a_list_in_json_is_answered_with_a_list(client, image, count):
    answers = client.post("/v1/predict", json={"images": [in_base64(image(10))] * count}).json()

    assert [label_of(answer) for answer in answers] == ["dark"] * count


def test_a_bad_file_fails_alone_and_is_named(client, image):
    files = [("a", ("good.jpg", image(10))), ("b", ("bäd.jpg", b"no image"))]
    answer = client.post("/v1/predict", files=[*files, ("c", ("also.jpg", image(250)))])

    first, bad, last = answer.json()
    assert answer.status_code == 200
    assert [label_of(first), label_of(last)] == ["dark", "bright"]
    assert bad == {
        "type": "urn:mlopsproj:problem:image",
        "title": "The image cannot be used",
        "status": 422,
        "detail": bad["detail"],
        "request_id": answer.headers["x-request-id"],
        "index": 1,
        "filename": "bäd.jpg",
    }
    assert "b'no image'" in bad["detail"]


@pytest.mark.parametrize("bad", ["", "QQ", "Q Q=", "data:image/png;base64,QQ==", 3, None, ["QQ=="]])
def test_what_is_no_base64_fails_alone(client, image, bad):
    good, told = client.post("/v1/predict", json={"images": [in_base64(image(10)), bad]}).json()

    assert label_of(good) == "dark"
    assert (told["status"], told["index"]) == (422, 1)
    assert "filename" not in told


@pytest.mark.parametrize(
    "request_",
    [
        {"content": b"no image", "headers": RAW},
        {"files": {"file": ("a.jpg", b"no image")}},
        {"json": {"image": in_base64(b"no image")}},
        {"json": {"image": "no base64"}},
    ],
)
def test_one_bad_image_has_a_status_of_its_own(client, problem, request_):
    problem(client.post("/v1/predict", **request_), 422, "image")


def test_as_many_classes_are_named_as_are_asked_for(client, image):
    def asked(query):
        answer = client.post(f"/v1/predict{query}", content=image(10), headers=RAW)
        return [each["class"] for each in answer.json()["predictions"]]

    assert asked("") == ["dark", "bright"]
    assert asked("?top_k=1") == ["dark"]
    assert asked("?top_k=2") == ["dark", "bright"]
    assert asked("?top_k=1000") == ["dark", "bright"]


@pytest.mark.parametrize(
    "query",
    [
        *("top_k=0", "top_k=-1", "top_k=", "top_k=two", "top_k=1.5", "top_k=%C2%B2"),
        *("top_k=1&top_k=2", "topk=1", "top_k=" + "9" * 5000, "top_k=%00", "&=&"),
    ],
)
def test_a_query_that_makes_no_sense_is_refused(client, image, problem, query):
    told = problem(
        client.post(f"/v1/predict?{query}", content=image(10), headers=RAW), 422, "invalid"
    )

    assert "top_k" in told["detail"]


@pytest.mark.parametrize(
    ("options", "status", "slug"),
    [
        ({"content": b"", "headers": RAW}, 422, "invalid"),
        ({"content": b"x", "headers": {"content-type": "text/plain"}}, 415, "media-type"),
        ({"data": {"image": "QQ=="}}, 422, "image"),
        ({"content": b"x", "headers": {**RAW, "content-encoding": "gzip"}}, 415, "media-type"),
        ({"content": b"{", "headers": {"content-type": "application/json"}}, 400, "malformed"),
        ({"json": []}, 422, "invalid"),
        ({"json": {}}, 422, "invalid"),
        ({"json": {"images": []}}, 422, "invalid"),
        ({"json": {"images": "QQ=="}}, 422, "invalid"),
        ({"json": {"image": "QQ==", "images": ["QQ=="]}}, 422, "invalid"),
        ({"json": {"image": "QQ==", "top_k": 3}}, 422, "invalid"),
        ({"files": {"top_k": (None, b"3")}}, 422, "invalid"),
    ],
)
def test_a_body_that_makes_no_sense_is_refused(client, problem, options, status, slug):
    problem(client.post("/v1/predict", **options), status, slug)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_only_post_is_allowed(client, problem, method):
    answer = client.request(method, "/v1/predict")

    problem(answer, 405, "method")
    assert answer.headers["allow"] == "POST"


def test_more_images_than_a_request_may_have_are_refused(serve, image, problem):
    small = serve(limits=Limits(images=2))
    files = [("file", ("a.jpg", image()))]
    encoded = in_base64(image())

    assert small.post("/v1/predict", files=files * 2).status_code == 200
    problem(small.post("/v1/predict", files=files * 3), 413, "images")
    assert small.post("/v1/predict", json={"images": [encoded] * 2}).status_code == 200
    problem(small.post("/v1/predict", json={"images": [encoded] * 3}), 413, "images")


def test_an_image_with_too_many_pixels_is_refused(serve, image, problem):
    small = serve(limits=Limits(image_pixels=9_999))

    told = problem(small.post("/v1/predict", content=image(), headers=RAW), 422, "image")

    assert "9999" in told["detail"].replace(",", "")


def test_a_larger_body_than_may_be_is_refused(serve, image, problem):
    small = serve(limits=Limits(body_bytes=100))

    problem(small.post("/v1/predict", content=image(), headers=RAW), 413, "too-large")


def test_too_many_at_once_are_refused(serve, image, problem):
    small = serve(queue_images=2)

    answer = small.post("/v1/predict", files=[("file", ("a.jpg", image()))] * 3)

    problem(answer, 503, "overloaded")
    assert int(answer.headers["retry-after"]) >= 1


def test_without_a_model_it_says_so(serve, image, problem):
    empty = serve(model=False)

    answer = empty.post("/v1/predict", content=image(), headers=RAW)

    problem(answer, 503, "no-model")
    assert int(answer.headers["retry-after"]) >= 1


def test_what_is_not_begun_in_time_is_dropped(client, image, problem):
    answer = client.post("/v1/predict", content=image(), headers={**RAW, "prefer": "wait=0"})

    problem(answer, 503, "deadline")


@pytest.mark.parametrize("prefer", ["wait=60", "respond-async, wait=9.5", "wait=-1", "wait=x", "?"])
def test_a_preference_that_can_be_kept_or_makes_no_sense_changes_nothing(client, image, prefer):
    answer = client.post("/v1/predict", content=image(), headers={**RAW, "prefer": prefer})

    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("prefer", "seconds"),
    [
        ("wait=2", 2.0),
        ("WAIT = 0.25", 0.25),
        ('return=minimal, wait="3"', 3.0),
        ("respond-async; wait=4", 4.0),
        ("wait=1e9", 10.0),
        ("wait=100", 10.0),
        ("await=1", 10.0),
        ("wait=1x", 10.0),
    ],
)
def test_the_seconds_that_a_client_waits(prefer, seconds):
    from mlopsproj_serving.routes.predict import _headers

    assert _headers({"headers": [(b"prefer", prefer.encode())]}, 10.0) == ("", seconds)


def test_large_json_does_not_hold_up_the_loop(client, image):
    """A thread other than the loop's decodes it: seen by where it runs."""
    from mlopsproj_serving.http import uploads

    threads = []
    decode = uploads._of_json

    def seen(body, most):
        threads.append(threading.current_thread())
        return decode(body, most)

    uploads._of_json = seen
    try:
        small = {"images": [in_base64(image(10))]}
        large = {"images": [in_base64(image(10)), in_base64(bytes(uploads.LARGE_BYTES))]}
        for body in (small, large):
            assert label_of(client.post("/v1/predict", json=body).json()[0]) == "dark"
    finally:
        uploads._of_json = decode

    assert threads[0] is client._thread
    assert threads[1] is not client._thread


def multipart(files, boundary=b"XX"):
    parts = b"".join(
        b'--%s\r\nContent-Disposition: form-data; name="f"; filename="%d"\r\n\r\n%s\r\n'
        % (boundary, number, data)
        for number, data in enumerate(files)
    )
    return parts + b"--%s--\r\n" % boundary


@st.composite
def mangled(draw, body):
    """A body with bytes cut, doubled, swapped or changed."""
    data = bytearray(body)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(0, len(data) - 1)))
        end = draw(st.integers(at, min(len(data), at + 60)))
        change = draw(st.integers(0, 3))
        if change == 0:
            del data[at:end]
        elif change == 1:
            data[at:at] = data[at:end]
        elif change == 2:
            data[at:end] = draw(st.binary(max_size=20))
        else:
            del data[at:]
    return bytes(data)


def assert_answered_or_refused(answer):
    told = answer.json()
    if answer.status_code == 200:
        for item in told if isinstance(told, list) else [told]:
            assert "predictions" in item or (400 <= item["status"] < 500 and item["detail"])
        return
    assert 400 <= answer.status_code < 500, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert told["detail"]


@settings(max_examples=150, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_mangled_forms_are_answered_or_refused_with_a_reason(client, image, data):
    whole = multipart([image(10, "PNG"), b"--XX", image(250, "GIF")])
    body = data.draw(mangled(whole))

    assert_answered_or_refused(
        client.post(
            "/v1/predict",
            content=body,
            headers={"content-type": "multipart/form-data; boundary=XX"},
        )
    )


@settings(max_examples=150, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_mangled_json_is_answered_or_refused_with_a_reason(client, image, data):
    whole = json.dumps({"images": [in_base64(image(10, "PNG")), in_base64(image(9, "GIF"))]})
    body = data.draw(mangled(whole.encode()))

    assert_answered_or_refused(
        client.post("/v1/predict", content=body, headers={"content-type": "application/json"})
    )


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["image", "images", "x"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(max_examples=80, suppress_health_check=list(HealthCheck))
@given(json_values)
def test_any_json_is_answered_or_refused_with_a_reason(client, value):
    # json.dumps writes NaN and Infinity, which are no JSON; httpx's json= would refuse them itself.
    body = json.dumps(value).encode()
    assert_answered_or_refused(
        client.post("/v1/predict", content=body, headers={"Content-Type": "application/json"})
    )


@settings(max_examples=100, suppress_health_check=list(HealthCheck))
@given(
    st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=60)
    | st.builds(
        "multipart/form-data; boundary={}".format,
        st.text(st.characters(min_codepoint=32, max_codepoint=126)),
    )
    | st.sampled_from(["multipart/form-data", "application/json;charset=latin1", "image/", "/"])
)
def test_any_content_type_is_answered_or_refused_with_a_reason(client, content_type):
    assert_answered_or_refused(
        client.post("/v1/predict", content=b"--a\r\n", headers={"content-type": content_type})
    )


def test_what_nobody_expected_is_a_problem_too(client, image, problem, monkeypatch, caplog):
    def fail(*_):
        raise ZeroDivisionError

    monkeypatch.setattr("mlopsproj_serving.routes.predict.prediction_of", fail)

    told = problem(client.post("/v1/predict", content=image(), headers=RAW), 500, "internal")

    assert told["request_id"] in caplog.text
    assert "ZeroDivisionError" not in json.dumps(told)


def test_probabilities_are_those_of_the_model(client, image):
    answer = client.post("/v1/predict", content=image(200, "PNG"), headers=RAW).json()

    logit = 16 * (200 / 255 - 0.5)
    bright = 1 / (1 + np.exp(-logit))
    assert answer["predictions"] == [
        {"class": "bright", "probability": pytest.approx(bright, abs=1e-4)},
        {"class": "dark", "probability": pytest.approx(1 - bright, abs=1e-4)},
    ]


def test_other_origins_are_answered_where_they_are_allowed(serve, image):
    """The shortcut to this route passes what surrounds the others."""
    open_ = serve(cors_origins=["https://console.example"])
    headers = {**RAW, "origin": "https://console.example"}

    answer = open_.post("/v1/predict", content=image(10), headers=headers)

    assert answer.headers["access-control-allow-origin"] == "https://console.example"
    refused = open_.post("/v1/predict", content=b"", headers=headers)
    assert refused.headers["access-control-allow-origin"] == "https://console.example"


def test_it_is_counted_under_its_route(serve, image):
    counting = serve()
    counting.post("/v1/predict", content=image(10), headers=RAW)
    counting.post("/v1/predict", content=b"", headers=RAW)

    page = counting.app.state.metrics.render().decode()

    counted = [line for line in page.splitlines() if "requests_total{" in line]
    assert len(counted) == 2
    for line, status in zip(counted, ("200", "422"), strict=True):
        assert 'route="/v1/predict"' in line
        assert f'status="{status}"' in line
        assert float(line.split()[-1]) == 1
    assert 'refusals_total{reason="body"} 1' in page
