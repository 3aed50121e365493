"""The same image twice, within and across splits and labels; groups that are divided."""

from mlopsproj_data.validation.findings import Severity


def test_copies_within_a_split_are_a_warning(healthy, checked, finding, row):
    rows = healthy()
    rows += [row(100 + i, id=rows[0]["id"], label=0, split="train") for i in range(2)]
    report = checked(rows)
    found = finding(report, "duplicates")
    assert found.severity is Severity.warning
    assert [each.rows for each in found.offenders] == [(0, 80, 81)]
    assert "2 further copies" in found.message
    assert "0/100.jpg (train)" in found.offenders[0].detail
    assert len(report.findings) == 1


def test_copies_across_splits_are_a_warning_with_their_number(healthy, checked, finding, row):
    rows = healthy()
    rows += [
        row(100, id=rows[0]["id"], label=0, split="test"),
        row(101, id=rows[1]["id"], label=1, split="validation"),
        row(102, id=rows[1]["id"], label=1, split="validation"),
    ]
    report = checked(rows)
    found = finding(report, "duplicates across splits")
    assert found.severity is Severity.warning
    assert {each.rows for each in found.offenders} == {(0, 80), (1, 81, 82)}
    assert "2 images in more than one split" in found.message
    assert "without 3 further copies" in found.message
    assert len(report.findings) == 1


def test_the_same_image_under_two_labels_drops_all_copies(healthy, checked, finding, row):
    rows = healthy()
    rows += [
        row(100, id=rows[0]["id"], label=1, split="train"),
        row(101, id=rows[0]["id"], label=0, split="test"),
    ]
    report = checked(rows)
    found = finding(report, "same image under two labels")
    assert (found.severity, found.dropped) == (Severity.error, (0, 80, 81))
    assert (
        found.offenders[0].detail
        == "class cat; the same as 0/100.jpg (class dog), 1/101.jpg (class cat)"
    )
    assert len(report.findings) == 1, "they are no duplicates as well"


def test_groups_that_the_given_splits_divide(healthy, checked, finding):
    rows = healthy()
    for place, split in enumerate(["train", "train", "validation", "test", "test"]):
        rows[place] |= {"group": "Ada", "given": split, "split": split}
    for place in (10, 11):
        rows[place] |= {"group": "Bob", "split": "test"}
    found = finding(checked(rows), "groups across splits")
    assert found.severity is Severity.warning
    (offender,) = found.offenders
    assert (offender.origin, offender.detail) == ("Ada", "2 in train, 1 in validation, 2 in test")
    assert offender.rows == (0, 2, 3)
    assert "3 images" in found.message
