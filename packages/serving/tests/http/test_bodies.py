import asyncio

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlopsproj_serving.config import Limits
from mlopsproj_serving.http.bodies import decode_json, read_body
from mlopsproj_serving.http.problems import ClientGoneError, ProblemError

LIMITS = Limits(body_bytes=100, body_seconds=30)


def read(messages, *headers, limits=LIMITS):
    """The body that these messages make; after the last, nothing comes any more."""
    waiting = list(messages)

    async def receive():
        if waiting:
            return waiting.pop(0)
        return await asyncio.get_running_loop().create_future()

    return asyncio.run(read_body({"headers": list(headers)}, receive, limits))


def message(body, *, more=False):
    return {"type": "http.request", "body": body, "more_body": more}


def refusal(*arguments, **options):
    with pytest.raises(ProblemError) as refused:
        read(*arguments, **options)
    return refused.value


@given(st.lists(st.binary(max_size=20), min_size=1, max_size=5))
def test_a_body_comes_in_pieces(pieces):
    messages = [message(piece, more=True) for piece in pieces]
    messages[-1]["more_body"] = False

    assert read(messages) == b"".join(pieces)


def test_a_message_may_leave_out_what_is_nothing():
    assert read([{"type": "http.request"}]) == b""


def test_as_many_bytes_as_may_be_are_read():
    assert len(read([message(bytes(60), more=True), message(bytes(40))])) == 100


def test_a_body_that_says_it_is_larger_is_refused_before_it_is_read():
    error = refusal([], (b"content-length", b"101"))

    assert error.kind.slug == "too-large"
    assert "101 bytes" in str(error)
    assert "100 that it may" in str(error)


@pytest.mark.parametrize("length", [b"9" * 30, b"9" * 5000])
def test_a_length_of_many_digits_is_too_large(length):
    assert refusal([], (b"content-length", length)).kind.slug == "too-large"


@pytest.mark.parametrize("length", [b"", b"-1", b"1.5", b"\xb2", b"0x10"])
def test_a_length_that_is_no_number_is_refused(length):
    assert refusal([], (b"content-length", length)).kind.slug == "malformed"


def test_a_body_that_becomes_larger_is_refused_before_all_of_it_has_come():
    error = refusal([message(bytes(60), more=True), message(bytes(60), more=True)])

    assert error.kind.slug == "too-large"


def test_a_body_that_does_not_come_is_not_waited_for():
    slow = Limits(body_bytes=100, body_seconds=0.01)

    error = refusal([message(b"half", more=True)], limits=slow)

    assert error.kind.status == 408
    assert error.headers == {"Connection": "close"}


def test_a_body_that_never_begins_is_not_waited_for():
    assert refusal([], limits=Limits(body_seconds=0.01)).kind.status == 408


def test_a_client_that_leaves_is_not_answered():
    with pytest.raises(ClientGoneError):
        read([message(b"half", more=True), {"type": "http.disconnect"}])


def test_a_compressed_body_is_refused():
    error = refusal([message(b"x")], (b"content-encoding", b"gzip"))

    assert error.kind.status == 415
    assert error.headers == {"Accept-Encoding": "identity"}
    assert read([message(b"x")], (b"content-encoding", b"identity")) == b"x"


class Point(msgspec.Struct):
    x: int


decoder = msgspec.json.Decoder(Point)


def test_json_becomes_what_is_wanted():
    assert decode_json(decoder, b'{"x": 3}') == Point(3)


@pytest.mark.parametrize("body", [b'{"x": "3"}', b"{}", b"[]", b"null"])
def test_json_of_another_shape_is_invalid_and_told_where(body):
    with pytest.raises(ProblemError, match=r"Expected|missing") as refused:
        decode_json(decoder, body)

    assert refused.value.kind.status == 422


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff", b'{"x": 3} more', b'{"y": ' + b"[" * 100_000, b"\xef\xbb\xbf{}"]
)
def test_what_is_no_json_is_malformed(body):
    with pytest.raises(ProblemError, match="no JSON") as refused:
        decode_json(decoder, body)

    assert refused.value.kind.status == 400
