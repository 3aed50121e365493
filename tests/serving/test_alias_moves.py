"""`production` moves under load: no request fails, and none is answered by two versions."""

import math

import pytest
from mlopsproj_core.registry import Registry
from serving.load import Ask, Load
from serving.metrics_page import metric
from serving.pictures import plain
from serving.server import NAME, publish

WHITE = plain(255)
IMAGES = 5
BOUNDARY = b"--boundary"


def several(images: list[bytes]) -> Ask:
    """A request of several images, as a browser's form sends it."""
    parts = [
        BOUNDARY
        + b'\r\nContent-Disposition: form-data; name="files"; filename="x.png"\r\n'
        + b"Content-Type: image/png\r\n\r\n"
        + image
        + b"\r\n"
        for image in images
    ]
    return Ask(
        b"".join(parts) + BOUNDARY + b"--\r\n",
        {"Content-Type": f"multipart/form-data; boundary={BOUNDARY[2:].decode()}"},
    )


ONE, MANY = Ask(WHITE, {"Content-Type": "image/png"}), several([WHITE] * IMAGES)


def ask(number: int) -> Ask:
    return MANY if number % 2 else ONE


def versions(answer) -> set[int]:
    """That an answer names, each held against what that version alone computes."""
    items = answer.json if isinstance(answer.json, list) else [answer.json]
    assert len(items) == (IMAGES if answer.ask is MANY else 1), answer.body
    for item in items:
        assert item["predictions"][0]["class"] == "bright"
        expected = 1 / (1 + math.exp(-item["version"] * 1.0))
        # The grey of the model's graph is scaled a little above 1.
        assert item["predictions"][0]["probability"] == pytest.approx(expected, abs=1e-3), item
    return {item["version"] for item in items}


def move_many_times(api, bundles, moves: int, workers: int) -> Load:
    url = str(api.folder / "registry")
    for number in (2, 3, 4):
        assert publish(url, bundles[number]) == number
    api.wait_until(lambda: metric(api, "model_info", version="1") == workers, "has no model")
    registry = Registry(url)
    with Load(api.port, ask, clients=6) as load:
        load.wait_for(20)
        for move in range(moves):
            version = 1 + (move + 1) % 4
            registry.move_alias(NAME, "production", version, actor="test", reason="moved")
            api.wait_until(
                lambda v=str(version): metric(api, "model_info", version=v) == workers,
                f"does not serve version {version}",
            )
            load.wait_for(4)
    return load


@pytest.mark.parametrize(
    ("moves", "workers"),
    [
        (5, 1),
        pytest.param(50, 1, marks=pytest.mark.slow),
        pytest.param(50, 2, marks=pytest.mark.slow),
    ],
)
def test_moves_under_load_fail_no_request_and_mix_no_answer(make_api, bundles, moves, workers):
    api = make_api(MLOPSPROJ_API_RELOAD_SECONDS="0.05", MLOPSPROJ_API_WORKERS=str(workers)).start()
    load = move_many_times(api, bundles, moves, workers)
    assert {answer.status for answer in load.answers} == {200}, load.summary()
    seen = [versions(answer) for answer in load.answers]
    assert all(len(each) == 1 for each in seen)
    assert set.union(*seen) == {1, 2, 3, 4}
    assert metric(api, "model_loads_total", result="failed") == 0
    # Versions that nobody asks any more are let go.
    api.wait_until(lambda: metric(api, "model_info") == workers, "tells of several models")
    assert api.terminate() == 0
    assert "Traceback" not in api.stderr()
