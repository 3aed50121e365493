"""Images of odd size, shape, mode or one shade."""

import pytest
from mlopsproj_core.image import ImageSpec
from mlopsproj_data.validation.findings import Severity


@pytest.mark.parametrize(
    ("size", "told"),
    [
        ((80, 15), True),
        ((15, 15), True),
        ((20, 16), False),
        ((400, 300), True),
        ((240, 180), False),
    ],
)
def test_extreme_sizes(healthy, checked, size, told):
    rows = healthy()
    rows[5] |= {"width": size[0], "height": size[1]}
    checks = [item.check for item in checked(rows).findings]
    assert ("extreme size" in checks) == told


def test_a_set_of_large_images_is_not_extreme(healthy, checked):
    rows = [each | {"width": 4000, "height": 3000} for each in healthy()]
    assert checked(rows).findings == ()


@pytest.mark.parametrize(
    ("size", "told"), [((200, 60), True), ((60, 200), True), ((150, 60), False)]
)
def test_extreme_aspect_ratios(healthy, checked, finding, size, told):
    rows = healthy()
    rows[5] |= {"width": size[0], "height": size[1]}
    report = checked(rows)
    assert [item.check for item in report.findings] == ["extreme aspect ratio"] * told
    if told:
        (offender,) = finding(report, "extreme aspect ratio").offenders
        assert offender.detail == f"{size[0]} x {size[1]} pixels"
        assert offender.rows == (5,)


def test_the_shape_that_is_wanted_is_what_is_extreme(healthy, checked):
    rows = [each | {"width": 240, "height": 60} for each in healthy()]
    assert checked(rows, spec=ImageSpec(32, 128, 3)).findings == ()


@pytest.mark.parametrize(
    ("modes", "told"),
    [
        (("RGB", "CMYK", "P", "YCbCr"), None),
        (("L", "1", "I;16", "I;16B", "F"), None),
        (("RGB", "L"), "79 colour, 1 grey"),
        (("RGB", "RGBA", "LA"), "78 colour, 2 transparent"),
    ],
)
def test_mixed_modes_are_told_by_their_kinds(healthy, checked, finding, modes, told):
    rows = [each | {"mode": modes[0]} for each in healthy()]
    for each, mode in zip(rows, modes, strict=False):
        each["mode"] = mode
    report = checked(rows)
    assert [item.check for item in report.findings] == ["mixed modes"] * bool(told)
    if told:
        found = finding(report, "mixed modes")
        assert told in found.message
        assert [each.detail for each in found.offenders] == list(modes[1:])


def test_constant_images(healthy, checked, finding):
    rows = healthy()
    rows[3] |= {"contrast": 0.0, "perceptual_hash": b"", "brightness": 1.0}
    rows[6] |= {"contrast": 0.001, "perceptual_hash": b""}
    rows[7] |= {"contrast": 0.01}
    report = checked(rows)
    found = finding(report, "constant image")
    assert found.severity is Severity.warning
    assert [each.rows for each in found.offenders] == [(3,), (6,)]
    assert found.offenders[0].detail == "brightness 1.00"
    assert len(report.findings) == 1, "they look like nothing, so not like each other"
