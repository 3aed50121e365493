import json
from dataclasses import fields, replace
from datetime import UTC, datetime

from mlopsproj_monitoring import DriftCheck, DriftConfig, DriftDetector


def test_the_document_is_json_with_the_number_of_its_schema(make_reference, make_sample):
    detector = DriftDetector(make_reference(1, 300), DriftConfig(draws=1000))
    check = detector.check(make_sample(2, 200, brightness_shift=0.4, labelled=True))
    check = replace(check, since=datetime(2026, 1, 2, tzinfo=UTC))
    document = check.to_document()
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    assert document["schema"] == 1
    assert set(document) == {"schema", *(field.name for field in fields(DriftCheck))}
    assert document["verdict"] == "drift"
    assert document["since"] == "2026-01-02T00:00:00+00:00"
    assert document["until"] is None
    assert document["detectors"][0]["name"] == "brightness"
    assert set(document["accuracy"]) == {"value", "low", "high"}
