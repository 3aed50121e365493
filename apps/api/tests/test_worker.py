import pytest
from mlopsproj_api.worker import serve
from mlopsproj_core.errors import ConfigError
from mlopsproj_serving.process.listening import listen


def test_what_prevents_a_start_is_raised(settings, tmp_path, monkeypatch, caplog):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "spool").write_bytes(b"")
    ready = []
    with (
        listen("127.0.0.1", 0, service="api") as listener,
        pytest.raises(ConfigError, match="MLOPSPROJ_SPOOL_DIR"),
    ):
        serve(settings(), listener, ready.append)
    assert not ready
    assert "Traceback" not in caplog.text


def test_a_request_leaves_a_line_a_header_and_a_count(api):
    answer = api.predict(b"no image")
    request_id = answer.headers["x-request-id"]
    assert (answer.status_code, answer.json()["request_id"]) == (422, request_id)
    assert "server" not in answer.headers
    api.wait_until(lambda: request_id in api.stderr(), "wrote no line")
    assert 'route="/v1/predict",status="422"' in api.client.get("/metrics").text


def test_the_log_counts_in_the_metrics(api):
    from serving.metrics_page import metric
    from serving.pictures import plain

    before = metric(api, "log_records_total", result="appended")
    assert api.predict(plain(0), "image/png").status_code == 200
    assert metric(api, "log_records_total", result="appended") == before + 1
    assert metric(api, "log_up", part="database") == 1


def test_forwarded_addresses_are_not_believed(api):
    headers = {"X-Forwarded-For": "6.6.6.6", "X-Request-ID": "forwarded"}
    api.client.get("/v1/model", headers=headers)
    api.wait_until(lambda: '"request_id":"forwarded"' in api.stderr(), "wrote no line")
    assert "6.6.6.6" not in api.stderr()


def test_forwarded_addresses_of_a_proxy_are_believed(start_api):
    api = start_api(MLOPSPROJ_API_PROXIES="127.0.0.1")
    api.client.get("/v1/model", headers={"X-Forwarded-For": "6.6.6.6"})
    api.wait_until(lambda: '"client":"6.6.6.6"' in api.stderr(), "wrote no such line")


def test_the_start_says_what_and_where(api):
    said = api.stderr()
    assert f"listens   {api.url} " in said
    assert "serves    brightness:1, as @production of ./registry\n" in said
    assert "strategy single\n" in said
    assert "logs      sqlite:///mlopsproj.db, by way of spool\n" in said
    assert f"next      curl --data-binary @IMAGE {api.url}/v1/predict\n" in said
