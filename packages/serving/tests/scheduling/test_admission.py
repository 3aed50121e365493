import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlopsproj_core.errors import OverloadedError
from mlopsproj_serving.scheduling.admission import LONGEST_SECONDS, Admission


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def refused(admission, images=1):
    with pytest.raises(OverloadedError) as caught:
        admission.enter(images)
    return caught.value


def test_all_images_of_a_request_are_let_in_or_none():
    admission = Admission(3)
    admission.enter(2)
    refused(admission, 2)
    assert admission.inside == 2
    admission.enter(1)
    assert admission.inside == 3
    admission.leave()
    admission.enter(1)


@given(st.lists(st.integers(1, 5)), st.integers(1, 12))
def test_never_are_more_inside_than_may_be(requests, most):
    admission = Admission(most)
    inside = []
    for images in requests:
        try:
            admission.enter(images)
        except OverloadedError:
            assert sum(inside) + images > most
            if inside:
                admission.leave(inside.pop(0))
        else:
            inside.append(images)
        assert admission.inside == sum(inside) <= most


def test_a_request_that_never_fits_is_told_to_be_smaller():
    assert "send fewer" in str(refused(Admission(3), 4))


def test_before_anything_left_a_second_is_the_guess(clock):
    admission = Admission(3, clock=clock)
    admission.enter(3)
    clock.now += 0.5
    assert refused(admission).retry_after_seconds == 1


def test_retry_after_is_the_time_that_all_inside_take_at_the_present_speed(clock):
    admission = Admission(100, clock=clock)
    admission.enter(100)
    for _ in range(20):  # 10 a second
        clock.now += 0.1
        admission.leave()
        admission.enter(1)
    assert refused(admission).retry_after_seconds == pytest.approx(10, abs=1)


def test_idle_time_does_not_count_as_slowness(clock):
    admission = Admission(100, clock=clock)
    admission.enter(10)
    clock.now += 1
    admission.leave(10)  # 10 a second
    clock.now += 3600
    admission.enter(100)
    assert refused(admission).retry_after_seconds == pytest.approx(10, abs=1)


def test_the_speed_is_the_present_one(clock):
    admission = Admission(100, clock=clock)
    admission.enter(100)
    for _ in range(1000):  # 100 a second for 10 s
        clock.now += 0.01
        admission.leave()
        admission.enter(1)
    for _ in range(20):  # 5 a second for 4 s
        clock.now += 0.2
        admission.leave()
        admission.enter(1)
    assert refused(admission).retry_after_seconds == pytest.approx(20, abs=2)


def test_nobody_is_told_to_wait_for_ever(clock):
    admission = Admission(100, clock=clock)
    admission.enter(1)
    clock.now += 1
    admission.leave()
    admission.enter(100)
    clock.now += 3600  # and nothing leaves
    assert refused(admission).retry_after_seconds == LONGEST_SECONDS
