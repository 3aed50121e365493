"""A report as JSON holds it."""

import json

import pytest
from mlopsproj_data.validation.findings import Finding, Offender, Report, Severity

ERROR = Finding(
    "unreadable",
    Severity.error,
    "1 image cannot be used.",
    (Offender("a\u00e9\n.png", "broken", (3,)),),
    dropped=(3,),
)
WARNING = Finding("mixed modes", Severity.warning, "Of several kinds.", (Offender("b.png", "L"),))


@pytest.fixture
def report():
    return Report("pets", "class folders", {"cat": {"train": 3}}, (ERROR, WARNING))


def test_errors_and_warnings_are_told_apart(report):
    assert (report.errors, report.warnings) == ((ERROR,), (WARNING,))


def test_the_keys_are_those_that_are_promised(report):
    assert json.loads(json.dumps(report.as_dict())) == {
        "schema": 1,
        "name": "pets",
        "description": "class folders",
        "valid": False,
        "counts": {"cat": {"train": 3}},
        "findings": [
            {
                "check": "unreadable",
                "severity": "error",
                "message": "1 image cannot be used.",
                "droppable": True,
                "dropped": 1,
                "count": 1,
                "offenders": [{"origin": "a\u00e9\n.png", "detail": "broken"}],
            },
            {
                "check": "mixed modes",
                "severity": "warning",
                "message": "Of several kinds.",
                "droppable": True,
                "dropped": 0,
                "count": 1,
                "offenders": [{"origin": "b.png", "detail": "L"}],
            },
        ],
    }


def test_warnings_alone_leave_the_data_valid():
    assert Report("pets", "", {}, (WARNING,)).as_dict()["valid"] is True
