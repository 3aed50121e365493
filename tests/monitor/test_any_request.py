"""Requests that schemathesis makes up from the monitor's own OpenAPI document."""

import pytest
from monitor.watching import wait_for_check
from monitor.world import DARKER
from serving.test_any_request import ADMIN, EXAMPLES, KEY, fuzzed


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
        MLOPSPROJ_MONITOR_KEYS=ADMIN,
        MLOPSPROJ_MONITOR_RETRAIN="http://127.0.0.1:9/train",
    ).start()
    monitor.client.headers["Authorization"] = f"Bearer {KEY}"
    wait_for_check(monitor, verdict="drift")
    # Made once for this check; whoever makes requests up waits for ten seconds only.
    assert monitor.client.get("/v1/report", timeout=120).status_code == 200
    paths = set(monitor.client.get("/openapi.json").json()["paths"])
    assert {"/v1/drift", "/v1/report", "/v1/retraining/{id}/approve"} <= paths
    fuzzed(monitor, *EXAMPLES[how])
