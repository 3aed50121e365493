import asyncio

import pytest
from mlopsproj_core.errors import OverloadedError
from mlopsproj_serving.config import Limits
from mlopsproj_serving.http.bodies import read_body
from mlopsproj_serving.http.holding import HeldBytes, Holding


def test_what_one_holds_the_others_cannot():
    held = HeldBytes()
    with Holding(held, 100) as first:
        first.take(60)
        with Holding(held, 100) as second:
            with pytest.raises(OverloadedError, match="60 of 100 bytes"):
                second.take(41)
            second.take(40)
            assert held.total == 100
        assert held.total == 60
    assert held.total == 0


def test_what_is_held_is_given_back_after_an_error():
    held = HeldBytes()

    def fail():
        with Holding(held, 100) as holding:
            holding.take(60)
            holding.take(60)

    with pytest.raises(OverloadedError):
        fail()
    assert held.total == 0


def test_a_body_is_counted_as_it_comes():
    held = HeldBytes()
    totals = []

    async def receive():
        totals.append(held.total)
        return {"type": "http.request", "body": bytes(10), "more_body": len(totals) < 3}

    async def read():
        with Holding(held, 100) as holding:
            await read_body({"headers": []}, receive, Limits(), holding=holding)
            totals.append(held.total)

    asyncio.run(read())

    assert totals == [0, 10, 20, 30]
    assert held.total == 0
