import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlopsproj_serving.http.rate import RateLimit


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def test_a_minutes_requests_may_come_at_once(clock):
    limit = RateLimit(60, clock=clock)

    assert [limit.take("a") for _ in range(60)] == [None] * 60
    assert limit.take("a") == 1


def test_each_client_has_its_own(clock):
    limit = RateLimit(1, clock=clock)

    assert limit.take("a") is None
    assert limit.take("b") is None
    assert limit.take("a") == 60


def test_whoever_waits_as_long_as_told_may_ask(clock):
    limit = RateLimit(7, clock=clock)
    while (wait := limit.take("a")) is None:
        pass

    clock.now += wait - 1.001
    assert limit.take("a") is not None
    clock.now += 1.001
    assert limit.take("a") is None


def test_who_is_refused_does_not_wait_longer_for_asking(clock):
    limit = RateLimit(1, clock=clock)
    limit.take("a")

    waits = [limit.take("a") for _ in range(5)]

    assert waits == [60] * 5


@given(
    st.integers(1, 20),
    st.lists(st.floats(0, 90), min_size=1, max_size=100),
)
def test_it_is_a_bucket_that_fills_steadily(per_minute, pauses):
    clock = Clock()
    limit = RateLimit(per_minute, clock=clock)
    tokens = float(per_minute)
    for pause in pauses:
        clock.now += pause
        tokens = min(per_minute, tokens + pause * per_minute / 60)
        if abs(tokens - 1) < 0.01:  # where rounding decides
            return
        assert (limit.take("a") is None) == (tokens >= 1)
        if tokens >= 1:
            tokens -= 1


def test_memory_is_bounded_and_the_latest_are_remembered(clock):
    limit = RateLimit(1, clients=100, clock=clock)
    for number in range(1000):
        limit.take(str(number))

    assert len(limit) == 100
    assert limit.take("999") is not None
    assert limit.take("0") is None
