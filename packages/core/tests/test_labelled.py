import numpy as np
import pytest
from mlopsproj_core.labelled import LabelledImages


def make(*, ids=3, images=3, labels=3) -> LabelledImages:
    return LabelledImages(
        tuple(f"{number:064d}" for number in range(ids)),
        np.zeros((images, 28, 28, 1), dtype=np.uint8),
        np.zeros(labels, dtype=np.int64),
        ("a", "b"),
    )


def test_is_as_long_as_its_images():
    assert len(make()) == 3


@pytest.mark.parametrize("other", [{"ids": 2}, {"images": 4}, {"labels": 0}])
def test_ids_images_and_labels_belong_together(other):
    with pytest.raises(AssertionError):
        make(**other)
