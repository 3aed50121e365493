"""Tables of examined records by hand, and reports on them."""

import numpy as np
import pyarrow as pa
import pytest
from mlopsproj_core.image import ImageSpec
from mlopsproj_data.examination import EXAMINED
from mlopsproj_data.records import LabelledSource
from mlopsproj_data.validation.checks import check

_DECODED = ("format", "width", "height", "mode", "brightness", "contrast", "perceptual_hash")


def examined_row(place, **changes):
    """A healthy image that resembles no other, unless said otherwise."""
    row = dict.fromkeys(EXAMINED.names) | {
        "id": f"{place:064x}",
        "label": place % 2,
        "split": ("train", "train", "validation", "test")[place // 2 % 4],
        "source": f"{place % 2}/{place}.jpg",
        "bytes": 5000,
        "format": "JPEG",
        "width": 80,
        "height": 60,
        "mode": "RGB",
        "brightness": 0.5,
        "contrast": 0.2,
        "sharpness": 0.1,
        "saturation": 0.3,
        "perceptual_hash": np.random.default_rng(place).bytes(32),
    }
    if changes.get("problem"):
        row |= dict.fromkeys(("split", *_DECODED))
    return row | changes


@pytest.fixture(scope="session")
def row():
    return examined_row


@pytest.fixture(scope="session")
def healthy():
    """Rows of 80 images of two classes, in which there is nothing to find."""

    def make():
        return [examined_row(place) for place in range(80)]

    return make


@pytest.fixture(scope="session")
def make_source():
    """A source that is described only: its records are not read by the checks."""

    def make(*, classes=("cat", "dog"), issues=(), spec=None, records=()):
        return LabelledSource(
            name="pets",
            classes=classes,
            spec=spec or ImageSpec(64, 64, 3),
            count=len(records),
            signature="",
            records=lambda: iter(records),
            description="class folders",
            issues=issues,
        )

    return make


@pytest.fixture(scope="session")
def checked(make_source):
    """The report on rows, and a finding of it by its check."""

    def report(rows, **source):
        return check(make_source(**source), pa.Table.from_pylist(rows, schema=EXAMINED))

    return report


@pytest.fixture(scope="session")
def finding():
    """The only finding of a check in a report."""

    def only(report, name):
        (found,) = [item for item in report.findings if item.check == name]
        return found

    return only
