import json

import numpy as np
import pytest
from mlopsproj_core.errors import CompressionError
from mlopsproj_models.compression.ranges import find_ranges
from mlopsproj_models.config import Calibration


def read(path):
    found = json.loads(path.read_text())["data"]
    return {
        name: (_number(value["lowest"]), _number(value["highest"])) for name, value in found.items()
    }


def _number(value):
    """Onnxruntime writes some of them as arrays."""
    return float(np.ravel(value["data"] if isinstance(value, dict) else value)[0])


@pytest.mark.parametrize("method", list(Calibration))
def test_every_method_finds_ranges_and_none_is_wider_than_all(method, folded, train, tmp_path):
    find_ranges(folded, train.images, Calibration.minmax, tmp_path / "all.json")
    find_ranges(folded, train.images, method, tmp_path / "r.json")
    found, widest = read(tmp_path / "r.json"), read(tmp_path / "all.json")
    assert found.keys() == widest.keys()
    assert len(found) > 5
    for name, (low, high) in found.items():
        assert low <= high
        assert high <= widest[name][1] + 0.05 * (widest[name][1] - widest[name][0])


def test_prints_nothing(folded, train, tmp_path, capfd):
    find_ranges(folded, train.images, Calibration.entropy, tmp_path / "r.json")
    assert capfd.readouterr() == ("", "")


def test_more_images_never_narrow_the_whole_range(folded, train, tmp_path):
    find_ranges(folded, train.images[:20], Calibration.minmax, tmp_path / "few.json")
    find_ranges(folded, train.images, Calibration.minmax, tmp_path / "all.json")
    few, everything = read(tmp_path / "few.json"), read(tmp_path / "all.json")
    assert all(
        everything[name][0] <= low + 1e-6 and everything[name][1] >= high - 1e-6
        for name, (low, high) in few.items()
    )


def test_no_image_is_told(folded, train, tmp_path):
    with pytest.raises(CompressionError, match="no image to calibrate on"):
        find_ranges(folded, train.images[:0], Calibration.minmax, tmp_path / "r.json")
    assert not (tmp_path / "r.json").exists()
