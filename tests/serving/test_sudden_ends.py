"""Ended or killed under load: what was accepted is answered, what was answered is kept."""

from functools import partial

import pytest
from serving.load import Ask, Load
from serving.log_rows import prediction_ids
from serving.metrics_page import metric
from serving.pictures import jpeg

JPEGS = [jpeg(100, 100, seed=seed) for seed in range(8)]


def ask(number: int) -> Ask:
    return Ask(JPEGS[number % len(JPEGS)])


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_every_answered_prediction_is_in_the_log_after_kill_9(make_api, workers):
    api = make_api(MLOPSPROJ_API_WORKERS=str(workers)).start()
    answered = []
    for _ in range(3):
        with Load(api.port, ask, clients=16) as load:
            load.wait_for(300)
            api.kill()
        answered += load.ids()
        assert {answer.status for answer in load.answers} <= {200, None}, load.summary()
        api.start()
    assert len(answered) == len(set(answered)) >= 900
    api.wait_until(
        lambda: set(answered) <= set(prediction_ids(api)), "lost predictions that were answered"
    )
    logged = prediction_ids(api)
    assert len(logged) == len(set(logged))
    for id_ in answered[:: len(answered) // 20]:
        found = api.client.get(f"/v1/predictions/{id_}").json()
        assert (found["id"], found["version"]) == (id_, 1)


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_sigterm_lets_every_accepted_request_be_answered(make_api, workers):
    api = make_api(MLOPSPROJ_API_WORKERS=str(workers)).start()
    # A connection for each request: one that is kept may be closed just before it is used again.
    with Load(api.port, ask, clients=24, keep_alive=False) as load:
        load.wait_for(200)
        code = api.terminate()
    assert code == 0, api.stderr()
    assert {answer.status for answer in load.answers} <= {200, None}, load.summary()
    assert not [answer for answer in load.answers if answer.status is None and answer.begun]
    api.start()
    api.wait_until(
        lambda: set(load.ids()) <= set(prediction_ids(api)), "lost predictions that were answered"
    )
    # Nothing was computed for somebody who was then left without an answer.
    assert sorted(prediction_ids(api)) == sorted(load.ids())
    assert "Traceback" not in api.stderr()


def test_what_waits_is_computed_before_the_end(make_api):
    api = make_api(MLOPSPROJ_API_THREADS="1").start()
    large = [jpeg(2000, 1500, seed=seed) for seed in range(2)]
    with Load(api.port, lambda number: Ask(large[number % 2]), clients=40) as load:
        api.wait_until(lambda: metric(api, "queue_images") >= 20, "lets nothing wait")
        before = len(load.answers)
        code = api.terminate()
    assert code == 0, api.stderr()
    assert len(load.of_status(200)) >= before + 19, load.summary()
    assert {answer.status for answer in load.answers} <= {200, None}, load.summary()
    assert not [answer for answer in load.answers if answer.status is None and answer.begun]


def replaced(api, victim) -> bool:
    pids = {worker.pid for worker in api.workers()}
    return len(pids) == 2 and victim.pid not in pids


@pytest.mark.slow
def test_a_killed_worker_is_replaced_and_its_records_are_kept(make_api):
    api = make_api(MLOPSPROJ_API_WORKERS="2").start()
    api.wait_until(lambda: len(api.workers()) == 2, "has not two workers")
    with Load(api.port, ask, clients=16) as load:
        for _ in range(3):
            load.wait_for(200)
            victim = api.workers()[0]
            victim.kill()
            api.wait_until(partial(replaced, api, victim), "does not replace a killed worker")
        load.wait_for(200)
    assert {answer.status for answer in load.answers} <= {200, None}, load.summary()
    api.wait_until(
        lambda: set(load.ids()) <= set(prediction_ids(api)), "lost predictions that were answered"
    )
    assert api.terminate() == 0
    assert sorted(prediction_ids(api)) == sorted(set(prediction_ids(api)))
