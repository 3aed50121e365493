import asyncio
import base64
import tracemalloc

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlopsproj_core.errors import ImageError
from mlopsproj_serving.http.problems import ProblemError
from mlopsproj_serving.http.uploads import LARGE_BYTES, ImageBody, ImagesBody, Upload, upload_of


def upload(content_type, body, most=64):
    return asyncio.run(upload_of(content_type, body, most=most))


def form(*files):
    parts = "".join(
        f'--X\r\nContent-Disposition: form-data; name="f"{parameters}\r\n\r\n{content}\r\n'
        for parameters, content in files
    )
    return parts.encode() + b"--X--\r\n"


@given(st.binary(min_size=1))
def test_a_raw_body_is_one_image(body):
    assert upload("image/jpeg", body) == Upload([body], [None], several=False)


@pytest.mark.parametrize(
    "content_type",
    [
        *("", "IMAGE/PNG", "image/x-unheard-of", "application/octet-stream; x=y"),
        "application/x-www-form-urlencoded",
    ],
)
def test_many_types_are_a_raw_image(content_type):
    assert upload(content_type, b"x").images == [b"x"]


def test_files_keep_their_names_and_order():
    body = form(('; filename="a"', "one"), ('; filename="b"', "two"))

    assert upload("multipart/form-data; boundary=X", body) == Upload(
        [b"one", b"two"], ["a", "b"], several=True
    )


def test_one_file_is_one_image():
    body = form(('; filename="a"', "one"))

    assert not upload("Multipart/Form-Data; boundary=X", body).several


def test_a_part_with_a_type_of_its_own_is_a_file_without_a_name():
    body = form(("\r\nContent-Type: image/jpeg", "one"))

    assert upload("multipart/form-data; boundary=X", body) == Upload(
        [b"one"], [None], several=False
    )


@pytest.mark.parametrize("parameters", ["", "\r\nContent-Type: text/plain; charset=utf-8"])
def test_a_field_that_is_no_file_is_refused_by_name(parameters):
    body = form(('; filename="a"', "one"), (parameters, "3"))

    with pytest.raises(ProblemError, match='field "f"') as refused:
        upload("multipart/form-data; boundary=X", body)

    assert refused.value.kind.status == 422


def test_a_form_without_files_is_refused():
    with pytest.raises(ProblemError, match="no file"):
        upload("multipart/form-data; boundary=X", b"--X--\r\n")


@given(st.lists(st.binary(), min_size=1, max_size=5))
def test_base64_comes_out_as_it_went_in(images):
    body = msgspec.json.encode({"images": [base64.b64encode(each).decode() for each in images]})

    assert upload("application/json; charset=utf-8", body) == Upload(
        images, [None] * len(images), several=True
    )


@given(st.text(max_size=20))
def test_text_is_base64_or_fails_alone(text):
    good = base64.b64encode(b"good").decode()
    sent = upload("application/json", msgspec.json.encode({"images": [good, text]}))

    first, second = sent.images
    assert first == b"good"
    if isinstance(second, ImageError):
        assert "base64" in str(second)
    else:
        assert len(second) == len(base64.b64decode(text, validate=True))


def test_slashes_may_be_escaped():
    assert upload("application/json", rb'{"image": "\/\/\/\/"}').images == [b"\xff\xff\xff"]


def test_large_json_is_read_as_small_json_is():
    data = bytes(range(256)) * (LARGE_BYTES // 256)
    body = msgspec.json.encode({"image": base64.b64encode(data).decode()})
    assert len(body) > LARGE_BYTES

    assert upload("application/json", body).images == [data]
    with pytest.raises(ProblemError):
        upload("application/json", b" " * LARGE_BYTES)


@pytest.mark.parametrize(
    "body", [{"image": "QQ=="}, {"images": ["QQ=="]}, {"images": ["QQ==", "QUE="]}]
)
def test_what_is_documented_is_read(body):
    shape = ImageBody if "image" in body else ImagesBody

    assert msgspec.to_builtins(msgspec.convert(body, shape)) == body
    assert all(upload("application/json", msgspec.json.encode(body)).images)


@pytest.mark.parametrize(
    ("content_type", "hint"),
    [
        ("text/plain", "image/*"),
        ("multipart/mixed; boundary=X", "multipart/form-data"),
        ("application/jsonx", "application/json"),
    ],
)
def test_other_types_are_refused_with_those_that_are_read(content_type, hint):
    with pytest.raises(ProblemError) as refused:
        upload(content_type, b"x")

    assert refused.value.kind.status == 415
    assert hint in str(refused.value)
    assert "image/*" in refused.value.headers["Accept-Post"]


def test_a_list_of_very_many_is_refused_before_it_takes_memory():
    body = b'{"images":[' + b",".join([b"0"] * 1_000_000) + b"]}"
    tracemalloc.start()
    try:
        with pytest.raises(ProblemError, match="more images than the 64"):
            upload("application/json", body)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1_000_000


def test_as_many_as_may_be_with_a_prefix_fail_one_by_one():
    sent = upload(
        "application/json", msgspec.json.encode({"images": ["data:image/png;base64,AA"] * 64})
    )
    assert len(sent.images) == 64
    assert all(isinstance(each, ImageError) for each in sent.images)
