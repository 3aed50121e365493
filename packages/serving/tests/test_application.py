import pytest

ORIGIN = "https://console.example"


def test_no_page_of_another_origin_may_ask_unless_told_so(client):
    answer = client.get("/livez", headers={"Origin": ORIGIN})
    assert answer.status_code == 200
    assert "access-control-allow-origin" not in answer.headers
    preflight = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST"}
    assert client.request("OPTIONS", "/v1/predict", headers=preflight).status_code == 405


def test_pages_of_the_named_origins_may_ask(serve):
    client = serve(cors_origins=[ORIGIN])
    preflight = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST"}
    answer = client.request("OPTIONS", "/v1/predict", headers=preflight)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert answer.headers["x-request-id"]
    other = client.get("/livez", headers={"Origin": "https://elsewhere.example"})
    assert "access-control-allow-origin" not in other.headers


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/livez"), ("GET", "/nothing"), ("POST", "/v1/predict"), ("PUT", "/v1/predict")],
)
def test_every_answer_has_an_id_and_is_not_sniffed(client, method, path):
    answer = client.request(method, path)
    assert answer.headers["x-request-id"]
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_the_id_of_the_request_is_in_its_record(serve, image):
    class Log:
        records = ()

        def append(self, record, done, *, image=None):
            self.records = (*self.records, record)
            done(None)

    log = Log()
    client = serve(log=log)
    headers = {"X-Request-ID": "mine", "Content-Type": "image/jpeg"}
    assert client.post("/v1/predict", content=image(), headers=headers).status_code == 200
    assert [record.request_id for record in log.records] == ["mine"]
