import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlopsproj_records.frames import HEADER, frame, scan

MARKER = b"\x01markers"
# Payloads that try to look like frames are among them.
payloads = st.lists(
    st.one_of(
        st.binary(max_size=60),
        st.builds(lambda inner: frame(MARKER[:4] + b"else", inner), st.binary(max_size=20)),
        st.builds(lambda cut: MARKER[:cut], st.integers(0, 8)),
    ),
    min_size=1,
    max_size=6,
)


def written(given_payloads):
    return b"".join(frame(MARKER, payload) for payload in given_payloads)


@given(payloads)
def test_what_was_written_is_found(given_payloads):
    found = scan(written(given_payloads), MARKER)
    assert [item.payload for item in found.frames] == given_payloads
    assert found.frames[-1].end == len(written(given_payloads))
    assert (found.damaged, found.torn_bytes) == ([], 0)


@given(payloads, st.data())
def test_cut_at_any_byte_the_frames_before_are_found_and_nothing_is_damaged(given_payloads, data):
    whole = written(given_payloads)
    cut = data.draw(st.integers(0, len(whole)))
    found = scan(whole[:cut], MARKER)
    ends = [len(written(given_payloads[: n + 1])) for n in range(len(given_payloads))]
    kept = sum(end <= cut for end in ends)
    assert [item.payload for item in found.frames] == given_payloads[:kept]
    assert found.damaged == []
    assert found.torn_bytes == cut - ([0, *ends][kept])


@given(payloads, st.data())
def test_any_byte_changed_costs_one_frame_and_is_told(given_payloads, data):
    whole = bytearray(written(given_payloads))
    at = data.draw(st.integers(0, len(whole) - 1))
    whole[at] ^= data.draw(st.integers(1, 255))
    found = scan(bytes(whole), MARKER)
    ends = [len(written(given_payloads[: n + 1])) for n in range(len(given_payloads))]
    hit = sum(end <= at for end in ends)
    others = [payload for number, payload in enumerate(given_payloads) if number != hit]
    assert [item.payload for item in found.frames] == others
    assert found.damaged == [([0, *ends][hit], ends[hit])]
    assert found.torn_bytes == 0


@given(payloads, st.integers(1, 100))
def test_zeros_at_the_end_are_what_a_power_cut_leaves(given_payloads, zeros):
    found = scan(written(given_payloads) + bytes(zeros), MARKER)
    assert len(found.frames) == len(given_payloads)
    assert (found.damaged, found.torn_bytes) == ([], zeros)


def test_bytes_taken_out_of_the_middle_cost_the_frames_that_they_belonged_to():
    whole = written([b"one" * 20, b"two" * 20, b"three" * 20, b"four"])
    second = len(frame(MARKER, b"one" * 20))
    found = scan(whole[: second + 30] + whole[second + 90 :], MARKER)
    assert [item.payload for item in found.frames] == [b"one" * 20, b"four"]
    assert len(found.damaged) == 1


@given(st.binary(max_size=300))
def test_whatever_the_bytes_are_each_belongs_to_one_thing(data):
    found = scan(data, MARKER)
    frames = sum(HEADER.size + len(item.payload) for item in found.frames)
    assert frames + sum(end - start for start, end in found.damaged) + found.torn_bytes == len(data)


def test_nothing_that_a_client_sends_is_taken_for_a_frame():
    # It knows another file's marker, not this one's.
    sent = frame(os.urandom(8), b"a forged record")
    whole = bytearray(frame(MARKER, sent) + frame(MARKER, b"next"))
    whole[0] ^= 1
    assert [item.payload for item in scan(bytes(whole), MARKER).frames] == [b"next"]


@pytest.mark.parametrize("size", [0, 1, 1 << 20])
def test_payloads_of_any_size(size):
    payload = os.urandom(size)
    assert scan(frame(MARKER, payload), MARKER).frames[0].payload == payload
