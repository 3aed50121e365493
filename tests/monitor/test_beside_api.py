"""The api answers, and the monitor watches what it answers: two processes over one database."""

import io
import sys

import pytest
from monitor.watching import wait_for_check
from monitor.world import DARKER, images
from PIL import Image
from serving.server import Api

pytestmark = pytest.mark.slow


@pytest.fixture
def api(world):
    made = Api(
        world.folder,
        {"MLOPSPROJ_API_SCHEDULING": "single", "MLOPSPROJ_DATABASE_URL": world.database_url},
    )
    yield made.start()
    made.kill()
    made.client.close()
    sys.stderr.write(f"--- api said:\n{made.stderr()[-6000:]}\n")


def png(pixels):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def test_what_the_api_answers_is_watched(world, api, make_monitor):
    monitor = make_monitor(world).start()

    def ask(count, **options):
        for pixels in images(count, **options):
            assert api.predict(png(pixels), "image/png").status_code == 200

    ask(150, seed=7)
    # When it looks meanwhile, there are some more or fewer of them.
    assert wait_for_check(monitor, verdict="no drift")["images"] >= 100
    ask(250, seed=8, scale=DARKER)
    found = wait_for_check(monitor, verdict="drift")
    assert any("brightness fell" in text for text in found["changed"])
    assert 'mlopsproj_monitor_drift{model="brightness",version="1"} 1.0' in (
        monitor.client.get("/metrics").text
    )
