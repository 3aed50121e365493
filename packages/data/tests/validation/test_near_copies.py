"""Pictures that look the same are told of across splits and labels, each at least once."""

import pytest
from mlopsproj_data.perceptual_hash import NEAR_DISTANCE
from mlopsproj_data.validation.findings import Severity


def near(value, bits):
    """A hash that differs in so many bits."""
    number = int.from_bytes(value, "big") ^ ((1 << bits) - 1)
    return number.to_bytes(32, "big")


@pytest.mark.parametrize("bits", [0, NEAR_DISTANCE, NEAR_DISTANCE + 1])
def test_near_duplicates_across_splits(healthy, checked, finding, row, bits):
    told = bits <= NEAR_DISTANCE
    rows = healthy()
    hashed = near(rows[0]["perceptual_hash"], bits)
    rows.append(row(100, label=0, split="test", perceptual_hash=hashed))
    report = checked(rows)
    assert [item.check for item in report.findings] == ["near duplicates across splits"] * told
    if told:
        (offender,) = finding(report, "near duplicates across splits").offenders
        assert offender.rows == (0, 80)
        assert offender.detail == "train; like 0/100.jpg (test)"


def test_near_duplicates_in_one_split_and_class_are_fine(healthy, checked, row):
    rows = healthy()
    hashed = rows[0]["perceptual_hash"]
    rows.append(row(100, label=0, split="train", perceptual_hash=hashed))
    assert checked(rows).findings == ()


def test_near_identical_images_under_two_labels(healthy, checked, finding, row):
    rows = healthy()
    hashed = near(rows[0]["perceptual_hash"], 10)
    rows.append(row(100, label=1, split="train", perceptual_hash=hashed))
    report = checked(rows)
    found = finding(report, "near-identical under two labels")
    assert found.severity is Severity.warning
    assert found.offenders[0].detail == "class cat; like 0/100.jpg (class dog)"
    assert len(report.findings) == 1


def test_a_copy_is_compared_in_the_split_that_keeps_it(healthy, checked, finding, row):
    """An image of train and test is kept for the test: it is no leak to an image of the test."""
    rows = healthy()
    rows += [
        row(100, id=rows[0]["id"], label=0, split="test"),
        row(101, label=0, split="test", perceptual_hash=rows[0]["perceptual_hash"]),
    ]
    rows[80]["perceptual_hash"] = rows[0]["perceptual_hash"]
    report = checked(rows)
    assert [item.check for item in report.findings] == ["duplicates across splits"]


def test_of_many_that_look_the_same_each_is_told_of(healthy, checked, finding, row):
    """Not each pair, of which there may be as many as the square of the images."""
    rows = healthy()
    count = 600
    rows += [
        row(
            100 + i, split=("train", "test")[i // 2 % 2], perceptual_hash=rows[0]["perceptual_hash"]
        )
        for i in range(count)
    ]
    report = checked(rows)
    for check in ("near duplicates across splits", "near-identical under two labels"):
        found = finding(report, check)
        assert f"{count + 1} images" in found.message
        assert {r for each in found.offenders for r in each.rows} == {0, *range(80, 80 + count)}
        assert len(found.offenders) <= 2 * count
