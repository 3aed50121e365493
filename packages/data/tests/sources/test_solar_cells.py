import importlib.util
import sys
from collections import Counter

import pytest
from mlopsproj_core.errors import ConfigError, DataError
from mlopsproj_core.image import ImageSpec
from mlopsproj_data.config import DataConfig, Source
from mlopsproj_data.records import load
from mlopsproj_data.sources.recognition import open_source
from mlopsproj_data.sources.solar_cells import solar_cells_source
from PIL import Image


@pytest.fixture(scope="module")
def source():
    return open_source(DataConfig(source=Source.solar_cells))


@pytest.mark.skipif(
    importlib.util.find_spec("elpv_dataset") is None, reason="the extra solar-cells is absent"
)
class TestInstalled:
    def test_all_cells_are_there(self, source):
        # Counted in the labels of the package: 0 and 1/3 are functional, 2/3 and 1 defective.
        labels = Counter(source.classes[record.label] for record in source.records())
        assert labels == {"functional": 588 + 920 + 117 + 178, "defective": 56 + 50 + 313 + 402}
        assert source.count == 2624
        assert (source.name, source.spec) == ("solar-cells", ImageSpec(160, 160, 1))
        assert source.description == "photographs of solar cells (ELPV): 2,624 images"

    def test_an_origin_tells_number_and_module(self, source):
        origins = [record.origin for record in source.records()]
        assert origins[0] == "images/cell0001.png (mono)"
        assert Counter(origin[-6:] for origin in origins) == {"(mono)": 1074, "(poly)": 1550}

    @pytest.mark.parametrize(
        ("module", "labels"),
        [
            ("mono", {"functional": 588 + 117, "defective": 56 + 313}),
            ("poly", {"functional": 920 + 178, "defective": 50 + 402}),
        ],
    )
    def test_one_type_of_modules_is_chosen(self, module, labels):
        source = open_source(DataConfig(source=Source(f"solar_cells_{module}")))
        records = list(source.records())
        assert Counter(source.classes[record.label] for record in records) == labels
        assert all(record.origin.endswith(f"({module})") for record in records)
        assert source.name == f"solar-cells-{module}"
        assert source.description == (
            f"photographs of solar cells of {module}crystalline modules (ELPV): {len(records):,}"
            " images"
        )

    def test_an_image_is_what_the_package_gives(self, source):
        record = next(source.records())
        with Image.open(record.image) as image:
            assert (image.size, image.mode) == ((300, 300), "L")
        assert load(record.image).startswith(b"\x89PNG")

    def test_the_package_is_not_imported(self, source):
        assert "elpv_dataset.utils" not in sys.modules


def test_without_the_package_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "elpv_dataset", None)
    with pytest.raises(ConfigError, match=r"install mlopsproj-data with the extra solar-cells"):
        solar_cells_source()


@pytest.mark.parametrize("labels", [None, "images/cell0001.png 1.0 mono\n", "x y\n", "a b c d\n"])
def test_a_broken_package_is_told(tmp_path, monkeypatch, labels):
    (tmp_path / "elpv_dataset" / "data").mkdir(parents=True)
    (tmp_path / "elpv_dataset" / "__init__.py").touch()
    if labels:
        (tmp_path / "elpv_dataset" / "data" / "labels.csv").write_text(labels)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "elpv_dataset", raising=False)
    with pytest.raises(DataError, match=r"does not hold the images of elpv-dataset .*install it"):
        solar_cells_source()
