import struct

import numpy as np
import pytest
from mlopsproj_data import DataConfig, prepare
from mlopsproj_registry.prepared_images import find_test_images, finder
from shop import right

SIDE = 28
TEST_IMAGES = 400


def write_idx(path, array):
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    path.write_bytes(header + array.tobytes())


@pytest.fixture
def prepared(tmp_path):
    """A prepared data set of dark and bright images, of which every second test label is wrong."""
    rng = np.random.default_rng(0)
    folder = tmp_path / "idx"
    folder.mkdir()
    for beginning, number in (("train", 40), ("t10k", TEST_IMAGES)):
        bright = rng.integers(0, 2, number, dtype=np.uint8)
        images = rng.integers(0, 90, (number, SIDE, SIDE), dtype=np.uint8) + 160 * bright[
            :, None, None
        ].astype(np.uint8)
        wrong = np.arange(number) % 2 if beginning == "t10k" else 0
        write_idx(folder / f"{beginning}-images-idx3-ubyte", images)
        write_idx(folder / f"{beginning}-labels-idx1-ubyte", (bright ^ wrong).astype(np.uint8))
    return prepare(DataConfig(path=str(folder), prepared_dir=str(tmp_path / "prepared")))


def test_the_test_images_of_the_data_with_this_fingerprint(prepared):
    found = find_test_images(prepared.fingerprint, prepared.folder.parent)
    assert found.ids == prepared.labelled("test").ids
    assert len(found) == TEST_IMAGES
    assert finder(str(prepared.folder.parent))(prepared.fingerprint).ids == found.ids


def test_where_the_data_is_not_there(prepared, tmp_path):
    assert find_test_images("0" * 64, prepared.folder.parent) is None
    assert find_test_images(prepared.fingerprint, tmp_path / "elsewhere") is None


@pytest.mark.parametrize("file", ["dataset.json", "test.u8", "images.parquet"])
def test_prepared_data_that_is_damaged_is_passed_over(prepared, file, caplog):
    path = prepared.folder / file
    path.write_bytes(path.read_bytes()[:-40])
    assert find_test_images(prepared.fingerprint, prepared.folder.parent) is None
    assert str(prepared.folder) in caplog.text


def test_damaged_data_beside_the_right_one_does_no_harm(prepared):
    for name, content in (("aaa", "{"), ("bbb", "[]"), ("zzz", '{"schema": 9}')):
        folder = prepared.folder.parent / name
        folder.mkdir()
        (folder / "dataset.json").write_text(content)
    assert find_test_images(prepared.fingerprint, prepared.folder.parent) is not None


# Every small bundle tells dark from bright, so the champion has half of these labels right.
def test_a_promotion_scores_the_champion_again_on_prepared_images(run, shop, prepared):
    shop.put(shop.publish(right(50, 50)))
    test = prepared.labelled("test")
    shop.publish(
        right(300, TEST_IMAGES),
        ids=test.ids,
        labels=test.labels,
        fingerprint=prepared.fingerprint,
    )
    result = run("promote", "brightness:2", "--prepared-dir", str(prepared.folder.parent))
    assert result.code == 0, result.err
    assert "+25.00 points" in result.out
