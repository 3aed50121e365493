"""Several processes are one service: numbers, answers and log across them."""

import pytest
from serving.load import Ask, Load
from serving.log_rows import prediction_ids
from serving.metrics_page import metric
from serving.pictures import jpeg, plain

JPEG = jpeg(100, 100)


@pytest.mark.slow
def test_metrics_sum_over_the_processes(make_api):
    api = make_api(MLOPSPROJ_API_WORKERS="2").start()
    api.wait_until(lambda: len(api.workers()) == 2, "has not two workers")

    def ask(number: int) -> Ask:
        return Ask([JPEG, plain(255), b"no image"][number % 3])

    # A connection for each request, so that both processes get some.
    with Load(api.port, ask, clients=8, keep_alive=False) as load:
        load.wait_for(150)
    good, bad = len(load.of_status(200)), len(load.of_status(422))
    assert good + bad == len(load.answers), load.summary()

    # Whichever process is asked.
    for _ in range(8):
        api.client.close()
        api.connect()
        counts = {
            "good": metric(api, "requests_total", route="/v1/predict", status="200"),
            "bad": metric(api, "requests_total", route="/v1/predict", status="422"),
            "images": metric(api, "images_total"),
            "failures": metric(api, "image_failures_total", reason="image"),
        }
        assert counts == {"good": good, "bad": bad, "images": good, "failures": bad}
    busy = [w for w in api.workers() if sum(w.cpu_times()[:2]) > 0]
    assert len(busy) == 2


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_an_answer_is_found_at_once_whichever_process_gave_it(make_api, workers):
    api = make_api(MLOPSPROJ_API_WORKERS=str(workers)).start()
    for _ in range(20):
        made = api.predict(JPEG).json()
        api.client.close()
        api.connect()
        found = api.client.get(f"/v1/predictions/{made['id']}")
        assert found.status_code == 200, found.text
        assert found.json()["id"] == made["id"]
        told = api.client.post("/v1/feedback", json={"prediction_id": made["id"], "label": "dark"})
        assert told.is_success, told.text
    assert api.client.get("/v1/predictions/0198c0de-0000-7000-8000-000000000000").status_code == 404
    assert api.terminate() == 0
    assert len(prediction_ids(api)) == 20
