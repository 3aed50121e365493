from prometheus_client.parser import text_string_to_metric_families


def total(client, name, **labels):
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    return sum(
        sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
        if sample.name == f"mlopsproj_api_{name}" and labels.items() <= sample.labels.items()
    )


def test_requests_are_counted_by_the_template_of_their_route(serve):
    client = serve()
    unknown = ["/v1/nothing", "/wp-login.php", "/v1/nothing/else"]
    for path in ("/livez", "/livez", *unknown):
        client.get(path)
    client.request("BREW", "/livez")
    assert total(client, "requests_total", route="/livez", status="200") == 2
    assert total(client, "requests_total", route="none", status="404") == len(unknown)
    assert total(client, "requests_total", method="OTHER", status="405") == 1
    # The scrapes count themselves, once they are answered.
    assert total(client, "requests_total", route="/metrics") == 3
    assert total(client, "request_duration_seconds_count", route="/livez") == 3


def test_it_is_described(client):
    described = client.get("/openapi.json").json()["paths"]["/metrics"]["get"]
    assert list(described["responses"]["200"]["content"]) == ["text/plain"]
