"""Requests that schemathesis makes up from the monitor's own OpenAPI document."""

import pytest
from monitor.watching import wait_for_check
from monitor.world import DARKER
from serving.test_any_request import ADMIN, EXAMPLES, fuzzed


@pytest.mark.parametrize(
    "how",
    [
        pytest.param("quick", marks=pytest.mark.slow),
        pytest.param("thorough", marks=pytest.mark.slow),
    ],
)
def test_every_route_answers_as_it_documents_whatever_it_is_asked(world, bundle, make_monitor, how):
    world.predict(bundle, 300, scale=DARKER)
    monitor = make_monitor(
        world,
        MLOPSPROJ_ADMIN_KEYS=ADMIN,
        MLOPSPROJ_MONITOR_RETRAIN="http://127.0.0.1:9/train",
    ).start()
    wait_for_check(monitor, verdict="drift")
    paths = set(monitor.client.get("/openapi.json").json()["paths"])
    assert {"/v1/drift", "/v1/report", "/v1/retraining/{id}/approve"} <= paths
    fuzzed(monitor, *EXAMPLES[how])
