"""What `/metrics` says, as Prometheus would read it."""

from collections.abc import Iterator

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample
from serving.server import Api

_PREFIX = "mlopsproj_api_"


def samples(api: Api, name: str, **labels: str) -> Iterator[Sample]:
    """Series of that name that carry these labels, among others."""
    page = api.client.get("/metrics")
    assert page.status_code == 200, page.text
    for family in text_string_to_metric_families(page.text):
        for sample in family.samples:
            if sample.name == _PREFIX + name and labels.items() <= sample.labels.items():
                yield sample


def metric(api: Api, name: str, **labels: str) -> float:
    """Sum of those series; 0 if there is none."""
    return sum(sample.value for sample in samples(api, name, **labels))
