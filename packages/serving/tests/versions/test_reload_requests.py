import asyncio
import sys

import pytest
from mlopsproj_serving.versions.reload_requests import ReloadRequests

ASK = """
import sys
from pathlib import Path
from mlopsproj_serving.versions.reload_requests import ReloadRequests

ReloadRequests(Path(sys.argv[1])).make()
"""


def test_another_process_hears_of_every_request(tmp_path):
    async def run():
        requests = ReloadRequests(tmp_path)
        for _ in range(2):
            heard = asyncio.create_task(requests.wait())
            other = await asyncio.create_subprocess_exec(sys.executable, "-c", ASK, tmp_path)
            await asyncio.wait_for(heard, 60)
            assert await other.wait() == 0

    asyncio.run(run())
    assert [path.name for path in tmp_path.iterdir()] == ["reload"]


def test_all_others_hear_and_the_one_that_asks_does_not(tmp_path):
    async def run():
        asking, *others = (ReloadRequests(tmp_path) for _ in range(4))
        for _ in range(3):
            own = asyncio.create_task(asking.wait())
            heard = [asyncio.create_task(other.wait()) for other in others]
            asking.make()
            await asyncio.wait_for(asyncio.gather(*heard), 30)
            assert not own.done()
            own.cancel()

    asyncio.run(run())


def test_what_was_asked_before_concerns_nobody_who_comes_later(tmp_path):
    ReloadRequests(tmp_path).make()

    async def run():
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(ReloadRequests(tmp_path).wait(), 0.5)

    asyncio.run(run())


def test_a_folder_that_is_gone_is_said(tmp_path):
    requests = ReloadRequests(tmp_path / "run")
    with pytest.raises(OSError, match="run"):
        requests.make()
