"""Healthy data pass, one cause is told once, and the order of the records means nothing."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlopsproj_data.validation.findings import Severity

_OF_BYTES = ("id", "split", "perceptual_hash")


def told(report):
    return {(item.check, each.origin) for item in report.findings for each in item.offenders}


def spoil(row, kind, place, others):
    """Put one defect into a row."""
    same = others[place - 2]
    if same["problem"] and kind in {"two labels", "copy"}:
        kind = "unreadable"  # as any copy of it is
    changes = {
        "unreadable": {"problem": "The file cannot be read (I/O error).", "split": None},
        # What has the same bytes looks the same, and the same hash decides its split.
        "two labels": {name: same[name] for name in _OF_BYTES} | {"label": 1 - same["label"]},
        "copy": {name: same[name] for name in (*_OF_BYTES, "label")},
        "near": {"perceptual_hash": same["perceptual_hash"]},
        "extension": {"format": "GIF"},
        "constant": {"contrast": 0.0},
        "long": {"width": 1000},
        "grey": {"mode": "L"},
    }
    row.update(changes[kind])


KINDS = ("unreadable", "two labels", "copy", "near", "extension", "constant", "long", "grey")


def spoiled(rows, defects):
    for place, kind in sorted(defects.items()):
        spoil(rows[place], kind, place, rows)
    return rows


DEFECTS = st.dictionaries(st.integers(2, 79), st.sampled_from(KINDS), max_size=12)


def test_healthy_images_give_no_finding(healthy, checked):
    report = checked(healthy())
    assert report.findings == ()
    assert report.errors == report.warnings == ()
    assert report.counts["cat"] == {"train": 20, "validation": 10, "test": 10, "unusable": 0}
    assert (report.name, report.description) == ("pets", "class folders")


@settings(max_examples=40)
@given(defects=DEFECTS, seed=st.integers(0, 1000))
def test_the_order_of_the_records_decides_nothing(healthy, checked, defects, seed):
    rows = spoiled(healthy(), defects)
    order = list(range(len(rows)))
    random.Random(seed).shuffle(order)
    report, shuffled = checked(rows), checked([rows[place] for place in order])
    assert {item.check for item in report.findings} == {item.check for item in shuffled.findings}
    assert report.counts == shuffled.counts
    for one in report.errors:
        (other,) = [item for item in shuffled.errors if item.check == one.check]
        assert len(one.offenders) == len(other.offenders)
        assert sorted(one.dropped) == sorted(order[place] for place in other.dropped)


@settings(max_examples=40)
@given(defects=DEFECTS)
def test_one_more_healthy_image_adds_no_finding(healthy, checked, row, defects):
    rows = spoiled(healthy(), defects)
    more = [*rows, row(1000, split="train")]
    assert told(checked(more)) == told(checked(rows))


@settings(max_examples=40)
@given(defects=DEFECTS)
def test_what_is_left_after_dropping_has_no_error(healthy, checked, defects):
    rows = spoiled(healthy(), defects)
    report = checked(rows)
    dropped = [place for item in report.errors for place in item.dropped]
    assert len(dropped) == len(set(dropped)), "an image is left out once"
    if all(item.droppable for item in report.errors):
        left = [row for place, row in enumerate(rows) if place not in dropped]
        assert checked(left).errors == ()


@settings(max_examples=40)
@given(defects=DEFECTS)
def test_errors_come_first_and_warnings_drop_nothing(healthy, checked, defects):
    report = checked(spoiled(healthy(), defects))
    severities = [item.severity for item in report.findings]
    assert severities == sorted(severities, key=lambda each: each is not Severity.error)
    assert all(item.dropped == () and item.droppable for item in report.warnings)


@pytest.mark.parametrize("kind", ["copy", "near", "grey", "long"])
def test_an_unreadable_image_is_told_of_once(healthy, checked, kind):
    rows = spoiled(healthy(), {8: kind})
    rows[8] |= {"problem": "gone", "split": None}
    assert {item.check for item in checked(rows).findings} == {"unreadable"}


def test_no_record_at_all_is_told_in_one_error(checked, finding):
    report = checked([], classes=())
    assert [item.check for item in report.findings] == ["no usable image"]
    assert not finding(report, "no usable image").droppable
