"""Classes that are empty, rare, or missing where they are needed."""

import pytest
from mlopsproj_data.validation.findings import Severity


def test_an_empty_class_is_an_error_that_drops_no_image(healthy, checked, finding):
    found = finding(checked(healthy(), classes=("cat", "dog", "owl")), "empty class")
    assert found.severity is Severity.error
    assert found.droppable
    assert found.dropped == ()
    assert [each.origin for each in found.offenders] == ["owl"]


def test_a_class_of_which_no_image_can_be_used(healthy, checked, finding, row):
    rows = [*healthy(), *(row(100 + i, label=2, problem="broken") for i in range(3))]
    report = checked(rows, classes=("cat", "dog", "owl"))
    found = finding(report, "class without usable image")
    assert [(each.origin, each.detail) for each in found.offenders] == [
        ("owl", "3 images, none usable")
    ]
    assert finding(report, "unreadable").dropped == (80, 81, 82)
    assert report.counts["owl"] == {"train": 0, "validation": 0, "test": 0, "unusable": 3}


def test_a_class_whose_images_all_stand_under_another_label_too(healthy, checked, finding, row):
    rows = healthy()
    rows.append(row(100, label=2, id=rows[0]["id"]))
    report = checked(rows, classes=("cat", "dog", "owl"))
    assert finding(report, "same image under two labels").dropped == (0, 80)
    assert finding(report, "class without usable image").offenders[0].origin == "owl"


@pytest.mark.parametrize("split", ["validation", "test"])
def test_a_class_that_train_lacks_is_left_out_whole(healthy, checked, finding, row, split):
    rows = [*healthy(), row(100, label=2, split=split), row(101, label=2, split=split)]
    report = checked(rows, classes=("cat", "dog", "owl"))
    found = finding(report, "class not in train")
    assert (found.severity, found.dropped) == (Severity.error, (80, 81))
    assert {item.check for item in report.findings} == {"class not in train"}


def test_one_class_only_cannot_be_mended_by_dropping(healthy, checked, finding):
    rows = [each | {"label": 0} for each in healthy()]
    found = finding(checked(rows, classes=("cat",)), "one class only")
    assert (found.severity, found.droppable) == (Severity.error, False)
    assert "cat" in found.message


def test_one_class_that_is_left_after_the_errors(healthy, checked, finding):
    rows = healthy()
    for each in rows[1::2]:
        each |= {"problem": "broken", "split": None}
    report = checked(rows)
    assert finding(report, "class without usable image").offenders[0].origin == "dog"
    assert not finding(report, "one class only").droppable


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_a_split_without_images_cannot_be_mended_by_dropping(healthy, checked, finding, split):
    rows = [each for each in healthy() if each["split"] != split]
    report = checked(rows)
    found = finding(report, "empty split")
    assert not found.droppable
    assert [each.origin for each in found.offenders] == [split]
    assert [item.check for item in report.errors] == ["empty split"]


def test_a_class_with_too_few_images_is_a_warning(healthy, checked, finding, row):
    few = [row(100 + i, label=2, split=("train", "validation", "test")[i % 3]) for i in range(19)]
    source = {"classes": ("cat", "dog", "owl")}
    found = finding(checked([*healthy(), *few], **source), "too few images")
    assert found.severity is Severity.warning
    assert "20" in found.message
    assert [each.detail for each in found.offenders] == ["7 in train, 6 in validation, 6 in test"]
    enough = checked([*healthy(), *few, row(130, label=2, split="train")], **source)
    assert enough.findings == ()


def test_a_class_that_the_test_lacks_is_a_warning(healthy, checked, finding):
    rows = healthy()
    for each in rows:
        if each["label"] == 1 and each["split"] == "test":
            each["split"] = "train"
    found = finding(checked(rows), "class not in test")
    assert [each.origin for each in found.offenders] == ["dog"]


def test_skew_names_the_setting_that_balances(checked, finding, row):
    splits = ("train", "train", "validation", "test")
    rows = [row(i, label=0, split=splits[i % 4]) for i in range(400)]
    rows += [row(1000 + i, label=1, split=splits[i % 4]) for i in range(40)]
    found = finding(checked(rows), "skewed classes")
    assert "data.balanced_sampling=true" in found.message
    assert [each.origin for each in found.offenders] == ["dog"]
    rows += [row(2000 + i, label=1, split="train") for i in range(2)]
    assert checked(rows).findings == ()
