"""What goes wrong arrives where somebody hears of it: real processes all the way to a webhook."""

import pytest
import webhook
from alerts.stack import watching
from monitor.world import DARKER, images, make_bundle
from PIL import Image
from serving.pictures import jpeg, saved
from serving.server import Api, Monitor, free_port, make_version, publish

pytestmark = pytest.mark.slow


@pytest.fixture
def api(tmp_path):
    api = Api(tmp_path / "api")
    publish(str(api.folder / "registry"), make_version(tmp_path / "bundle", 1), "production")
    yield api.start()
    api.kill()
    api.client.close()


def test_an_api_that_fails_then_is_gone_then_is_back(api, tmp_path):
    with (
        webhook.serving() as receiver,
        watching(tmp_path / "stack", receiver, api=api.port, monitor=free_port()) as stack,
    ):
        image = jpeg(28, 28)
        assert api.predict(image).status_code == 200

        def ask_for_the_impossible():
            late = api.client.post(
                "/v1/predict",
                content=image,
                headers={"Content-Type": "image/jpeg", "Prefer": "wait=0.0"},
            )
            assert late.status_code == 503

        burning = stack.wait_told("ApiErrorBudgetBurn", meanwhile=ask_for_the_impossible)
        assert burning["receiver"] == "pages"
        assert burning["labels"]["severity"] == "page"
        assert burning["annotations"]["runbook"].endswith("#apierrorbudgetburn")
        assert stack.told("ApiDown") == []

        api.terminate()
        down = stack.wait_told("ApiDown")
        assert down["receiver"] == "pages"
        where = f"127.0.0.1:{api.port}"
        assert (down["labels"]["job"], down["labels"]["instance"]) == ("mlopsproj-api", where)
        assert where in down["annotations"]["summary"]
        assert stack.told("ApiDown", "resolved") == []

        api.start()
        assert stack.wait_told("ApiDown", "resolved")["labels"]["instance"] == where


def test_an_api_without_a_model_is_told_of_and_what_follows_is_not(tmp_path):
    api = Api(tmp_path / "api")
    api.launch()
    try:
        api.wait_until(lambda: api.get_status("/livez") == 200, "does not live")
        with (
            webhook.serving() as receiver,
            watching(tmp_path / "stack", receiver, api=api.port, monitor=free_port()) as stack,
        ):
            stack.wait_told("ApiNoModel")
            image = jpeg(28, 28)
            api.wait_until(
                lambda: (
                    api.predict(image).status_code == 503
                    and "ApiErrorBudgetBurn" in stack.silenced_by_another()
                ),
                "fails, and nobody notices",
                120,
            )
            assert stack.told("ApiErrorBudgetBurn") == []
    finally:
        api.kill()
        api.client.close()


def test_drift_of_what_the_api_is_asked(tmp_path):
    api = Api(tmp_path / "api")
    publish(str(api.folder / "registry"), make_bundle(tmp_path / "bundle"), "production")
    often = {
        "MLOPSPROJ_MONITOR_INTERVAL_SECONDS": "1",
        "MLOPSPROJ_MONITOR_STEP_IMAGES": "50",
        "MLOPSPROJ_MONITOR_WINDOW_IMAGES": "200",
    }
    monitor = Monitor(api.folder, often)

    def ask(count, **how):
        for pixels in images(count, **how):
            assert api.predict(saved(Image.fromarray(pixels), "PNG"), "image/png").is_success

    try:
        api.start()
        ask(200, seed=7)
        monitor.start()
        with (
            webhook.serving() as receiver,
            watching(tmp_path / "stack", receiver, api=api.port, monitor=monitor.port) as stack,
        ):
            verdict = "mlopsproj_monitor_drift"
            monitor.wait_until(lambda: stack.values(verdict) == [0], "sees drift, or nothing")
            assert stack.told("ModelDrift") == []

            ask(200, seed=8, scale=DARKER)
            drift = stack.wait_told("ModelDrift")
            assert stack.values(verdict) == [1]
            assert drift["receiver"] == "tickets"
            assert (drift["labels"]["model"], drift["labels"]["version"]) == ("brightness", "1")
            assert "brightness, version 1," in drift["annotations"]["summary"]
            assert stack.told("MonitorDown") == []
    finally:
        for process in (monitor, api):
            process.kill()
            process.client.close()
