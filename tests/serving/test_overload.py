"""More than can be computed: refused at once and told when to come back, and then it is over."""

import pytest
from serving.load import Ask, Load
from serving.memory import MemoryWatch
from serving.metrics_page import metric
from serving.pictures import jpeg

LARGE = jpeg(1000, 750)


def test_overload_is_refused_with_retry_after_and_passes(make_api):
    api = make_api(MLOPSPROJ_API_QUEUE_IMAGES="4", MLOPSPROJ_API_THREADS="1").start()
    with (
        MemoryWatch(api) as memory,
        Load(api.port, lambda _: Ask(LARGE), clients=24) as load,
    ):
        load.wait_for(60)
        load.wait_for(60, status=503)
    refused = load.of_status(503)
    assert len(refused) + len(load.of_status(200)) == len(load.answers), load.summary()
    for answer in refused:
        assert answer.headers["content-type"] == "application/problem+json"
        assert int(answer.headers["retry-after"]) >= 1
        assert answer.json["detail"]
    assert metric(api, "refusals_total", reason="queue") == len(refused)
    assert metric(api, "queue_images") == 0
    assert memory.grown_bytes < 200 * 2**20
    for _ in range(20):
        assert api.predict(LARGE).status_code == 200
    assert "Traceback" not in api.stderr()


@pytest.mark.slow
def test_what_waited_too_long_is_not_computed(make_api):
    api = make_api(MLOPSPROJ_API_DEADLINE_SECONDS="0.2", MLOPSPROJ_API_THREADS="1").start()
    with Load(api.port, lambda _: Ask(LARGE), clients=100) as load:
        load.wait_for(50)
        load.wait_for(50, status=503)
    late = load.of_status(503)
    assert len(late) + len(load.of_status(200)) == len(load.answers), load.summary()
    assert metric(api, "image_failures_total", reason="deadline") == len(late)
    assert metric(api, "images_total") == len(load.of_status(200))
    assert api.predict(LARGE).status_code == 200
