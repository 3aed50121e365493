"""What people are shown says what was found, and no more than they can read."""

import pytest
from mlopsproj_data.validation.findings import Finding, Offender, Report, Severity
from mlopsproj_data_cli.views import print_facts, print_prepared, print_report


def report(*findings, classes=2, description="class folders"):
    counts = {
        f"class {label}": {"train": 1000, "validation": 20, "test": 30, "unusable": 0}
        for label in range(classes)
    }
    return Report("shoes", description, counts, findings)


def finding(offenders, severity=Severity.error):
    told = tuple(Offender(f"{index}.png", "7 x 7" if index else "") for index in range(offenders))
    return Finding("tiny", severity, "They are [tiny].", told)


def test_facts_stand_below_each_other(capsys):
    print_facts([("a", "first"), ("long", "second")])
    assert capsys.readouterr().out == "a     first\nlong  second\n"


def test_a_clean_report(capsys):
    print_report(report())
    shown = capsys.readouterr().out
    assert shown.startswith("shoes: class folders\n")
    assert "class 1" in shown
    assert "1,000" in shown
    assert "unusable" not in shown  # nothing is
    assert shown.endswith("Nothing is wrong.\n")


def test_a_source_that_says_nothing_of_itself_is_counted(capsys):
    print_report(report(description=""))
    assert capsys.readouterr().out.startswith("shoes: 2,100 images in 2 classes\n")


def test_the_first_offenders_of_a_finding_are_named(capsys):
    print_report(report(finding(5)))
    shown = capsys.readouterr().out
    for text in ("error", " 5 ", "tiny: They are [tiny].\n", " 0.png ", " 1.png: 7 x 7 "):
        assert text in shown
    assert "3.png" not in shown
    assert " and 2 more " in shown


def test_a_warning_is_told_as_one(capsys):
    print_report(report(finding(1, Severity.warning)))
    shown = capsys.readouterr().out
    assert "warning" in shown
    assert "more" not in shown


def test_of_many_classes_the_first_are_shown(capsys):
    print_report(report(classes=25))
    shown = capsys.readouterr().out
    assert "class 19" in shown
    assert "class 20" not in shown
    assert "and 5 classes more" in shown


@pytest.fixture
def prepared():
    return {
        "name": "shoes",
        "folder": "prepared/shoes-1",
        "reused": False,
        "classes": ["boot", "pump"],
        "image": [64, 48, 3],
        "counts": {"train": 1200, "validation": 100, "test": 34},
        "dropped": {"duplicate": 0, "invalid": 3},
        "dropped_file": "prepared/shoes-1/dropped.json",
        "next_command": "uv run train",
    }


def test_a_prepared_data_set(capsys, prepared):
    print_prepared(prepared)
    assert capsys.readouterr().out.splitlines() == [
        "data     shoes: 2 classes, 64 x 48 x 3",
        "images   1,200 training, 100 validation, 34 test",
        "dropped  3 invalid; listed in prepared/shoes-1/dropped.json",
        "folder   prepared/shoes-1 (prepared now)",
        "next     uv run train",
    ]


def test_one_that_was_prepared_before(capsys, prepared):
    print_prepared({**prepared, "reused": True, "dropped": {}, "dropped_file": None})
    shown = capsys.readouterr().out
    assert "prepared/shoes-1 (found prepared, nothing changed)" in shown
    assert "dropped  none\n" in shown
