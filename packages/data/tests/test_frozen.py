"""Prepared data of this schema and of the one before are read: see `frozen/make_frozen.py`."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from mlopsproj_data import PreparedDataset
from mlopsproj_data.prepared import READABLE

FROZEN = Path(__file__).with_name("frozen")
COUNTS = {"train": 47, "validation": 3, "test": 12}


@pytest.fixture(params=READABLE)
def frozen(request, tmp_path):
    """As the release of that schema has prepared it."""
    shutil.copytree(FROZEN / f"prepared-{request.param}", tmp_path / "prepared")
    described = json.loads((tmp_path / "prepared" / "dataset.json").read_bytes())
    assert described["schema"] == request.param
    return PreparedDataset.open(tmp_path / "prepared")


def test_says_what_it_said(frozen):
    assert (frozen.name, frozen.classes, dict(frozen.counts)) == ("frozen", ("0", "1"), COUNTS)
    assert (frozen.summary().name, len(frozen.fingerprint)) == ("frozen", 64)


@pytest.mark.parametrize("split", COUNTS)
def test_images_and_labels_are_those_that_were_prepared(frozen, split):
    """The same 62 random images, whichever release has prepared them."""
    random = np.random.default_rng(11)
    made = {count: random.integers(0, 256, (count, 8, 8), dtype=np.uint8) for count in (50, 12)}
    given = made[12 if split == "test" else 50]
    found = frozen.labelled(split)
    assert found.images.shape == (COUNTS[split], 8, 8, 1)
    for image, label in zip(found.images, found.labels, strict=True):
        (place,) = [n for n, one in enumerate(given) if np.array_equal(one, image[..., 0])]
        assert label == place % 2
    table = frozen.table(split)
    assert table["id"].to_pylist() == list(found.ids)
    assert len(table) == COUNTS[split]


def test_an_image_has_the_split_and_the_id_that_it_had():
    """So that what was tested on is never trained on after an upgrade."""
    first, second = (PreparedDataset.open(FROZEN / f"prepared-{schema}") for schema in READABLE)
    for split in COUNTS:
        assert first.labelled(split).ids == second.labelled(split).ids
