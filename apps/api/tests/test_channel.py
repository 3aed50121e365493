import asyncio
import contextlib
import socket
import sys

import pytest
from mlopsproj_api.channel import SupervisorEnd, WorkerEnd

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="several processes are refused")


@pytest.fixture
def ends():
    mine, its = socket.socketpair()
    supervisor, worker = SupervisorEnd(mine), WorkerEnd(its)
    yield supervisor, worker
    supervisor.close()
    its.close()


@pytest.fixture
def connection():
    """A connection of TCP: the client's end, and the one that was accepted."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname(), timeout=5)
        accepted, _ = listener.accept()
    with client, accepted:
        yield client, accepted


def heard(supervisor):
    return [one for one in supervisor.news() if one]


def run(worker, *steps, turns=3):
    """Listen in a loop while steps are done; what was connected, and whether the end was told."""
    connected, gone = [], []

    async def listening():
        worker.listen(connected.append, lambda: gone.append(True))
        for step in steps:
            step()
            for _ in range(turns):
                await asyncio.sleep(0.005)
        with contextlib.suppress(ValueError):
            worker.stop()

    asyncio.run(listening())
    return connected, gone


def test_a_connection_that_was_given_is_answered_by_the_other_end(ends, connection):
    supervisor, worker = ends
    client, accepted = connection

    def give():
        assert supervisor.give(accepted)
        accepted.close()

    (taken,), gone = run(worker, give)
    with taken:
        taken.sendall(b"hello")
        assert client.recv(5) == b"hello"
        assert taken.getpeername() == client.getsockname()
    assert supervisor.connections == 1
    assert not gone


def test_many_connections_at_once_are_all_taken(ends, connection):
    supervisor, worker = ends
    _, accepted = connection
    taken, _ = run(worker, lambda: [supervisor.give(accepted) for _ in range(50)])
    assert len(taken) == supervisor.connections == 50
    for each in taken:
        each.close()


def test_closed_connections_are_told_together(ends, connection):
    supervisor, worker = ends
    _, accepted = connection
    for _ in range(3):
        supervisor.give(accepted)

    taken, _ = run(worker, lambda: None, lambda: [worker.closed() for _ in range(2)])
    assert supervisor.news() == [{"closed": 2}]
    assert supervisor.connections == 1
    for each in taken:
        each.close()


def test_a_process_that_takes_nothing_is_given_no_more(ends, connection):
    supervisor, _ = ends
    _, accepted = connection
    given = 0
    while supervisor.give(accepted):
        given += 1
        assert given < 100_000
    assert supervisor.connections == given > 10
    # And nothing waited for it.


def test_what_a_full_channel_did_not_take_is_said_with_the_next(ends):
    supervisor, worker = ends
    for number in range(20_000):
        worker.tell({"number": number})
    found = []
    while len(found) < 20_000:
        news = [one["number"] for one in supervisor.news() if one]
        assert news
        found += news
        worker.tell({})
    assert found == list(range(20_000))


def test_news_in_pieces_are_put_together():
    mine, its = socket.socketpair()
    supervisor = SupervisorEnd(mine)
    with its:
        its.sendall(b'{"ready": {"mod')
        assert supervisor.news() == []
        its.sendall(b'el": "x"}}\n{}\n{"end')
        assert heard(supervisor) == [{"ready": {"model": "x"}}]
        its.sendall(b'ing": true}\n')
        assert heard(supervisor) == [{"ending": True}]
        assert supervisor.news() == []
    supervisor.close()


def test_each_end_hears_that_the_other_is_gone(ends, connection):
    supervisor, worker = ends
    _, accepted = connection
    _, gone = run(worker, supervisor.close, lambda: None)
    assert gone == [True]

    mine, its = socket.socketpair()
    supervisor = SupervisorEnd(mine)
    its.close()
    assert not supervisor.give(accepted)
    assert supervisor.news() == []
    assert supervisor.gone
    supervisor.close()


def test_a_connection_for_which_no_file_may_be_open_is_told_to_be_closed(ends):
    supervisor, worker = ends
    supervisor.connections = 1
    # What arrives at a process that may have no more files open: the byte without the connection.
    taken, gone = run(worker, lambda: supervisor.socket.send(b"c"))
    assert taken == []
    assert not gone
    supervisor.news()
    assert supervisor.connections == 0
