import gzip
import math
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from mlopsproj_core.errors import DataError
from mlopsproj_data.sources.idx import find_idx_files, idx_source, read_idx

TRAIN_IMAGES = "train-images-idx3-ubyte"
TRAIN_LABELS = "train-labels-idx1-ubyte"


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    return tmp_path_factory.mktemp("idx")


@given(
    array=arrays.arrays(np.uint8, arrays.array_shapes(max_dims=3, max_side=6)),
    ending=st.sampled_from(["", ".gz"]),
)
def test_gives_back_what_was_written(scratch, write_idx, array, ending):
    found = read_idx(write_idx(scratch / f"file{ending}", array))
    assert found.dtype == np.uint8
    assert np.array_equal(found, array)


@given(data=st.binary(max_size=40) | st.binary(max_size=40).map(lambda tail: b"\0\0\x08" + tail))
def test_garbage_is_refused_or_is_an_array(scratch, data):
    path = scratch / "garbage"
    path.write_bytes(data)
    if is_idx(data):
        assert data.endswith(read_idx(path).tobytes())
    else:
        with pytest.raises(DataError, match="garbage"):
            read_idx(path)


def is_idx(data):
    if data[:3] != b"\0\0\x08" or len(data) < 4 or not 1 <= data[3] <= 3:
        return False
    sizes, pixels = data[4 : 4 + 4 * data[3]], data[4 + 4 * data[3] :]
    if len(sizes) < 4 * data[3]:
        return False
    return math.prod(struct.unpack(f">{data[3]}I", sizes)) == len(pixels)


@given(cut=st.integers(0, 99), ending=st.sampled_from(["", ".gz"]))
def test_every_truncation_is_refused_by_name(scratch, write_idx, cut, ending):
    path = write_idx(scratch / f"whole{ending}", np.arange(100).reshape(4, 5, 5))
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * cut // 100])
    with pytest.raises(DataError, match="whole"):
        read_idx(path)


def test_a_truncated_file_says_how_much_is_missing(tmp_path, write_idx):
    path = write_idx(tmp_path / "file", np.zeros((3, 4, 4)))
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(DataError, match=r"promises 48 bytes for \(3, 4, 4\), there are 38: copy"):
        read_idx(path)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "no IDX file"),
        (b"\x89PNG\r\n\x1a\n", "no IDX file: it starts with .*PNG"),
        (struct.pack(">BBBBI2f", 0, 0, 0x0D, 1, 2, 0.5, 1.5), "type 0x0d with 1 axes"),
        (struct.pack(">BBBB", 0, 0, 8, 0) + b"\1", "type 0x08 with 0 axes"),
        (struct.pack(">BBBB255I", 0, 0, 8, 255, *[0] * 255), "with 255 axes"),
        (struct.pack(">BBBBI", 0, 0, 8, 3, 9), "header has 8 of 16 bytes"),
        # 2^22 * 2^21 * 2^21 = 2^64, which is nothing in 64 bits.
        (struct.pack(">BBBB3I", 0, 0, 8, 3, 2**22, 2**21, 2**21), "promises 18,446,744,073,709"),
        (gzip.compress(b"\0\0\x08\1", mtime=0)[:-6], "cannot be read"),
        (b"\x1f\x8b rubbish", "cannot be read"),
    ],
)
def test_a_bad_header_is_refused(tmp_path, data, message):
    path = tmp_path / "file"
    path.write_bytes(data)
    with pytest.raises(DataError, match=message) as caught:
        read_idx(path)
    assert str(path) in str(caught.value)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"gone cannot be read .*No such file"):
        read_idx(tmp_path / "gone")


def test_reads_a_folder(idx_folder):
    source = idx_source(idx_folder, name="made")
    records = list(source.records())
    assert source.count == len(records) == 250
    assert source.classes == tuple("0123456789")
    assert source.spec.shape == (28, 28, 1)
    assert [record.split for record in records] == ["train"] * 200 + ["test"] * 50
    assert [record.label for record in records[:12]] == [*range(10), 0, 1]
    assert np.array_equal(records[7].image, read_idx(idx_folder / TRAIN_IMAGES)[7])
    assert records[201].origin == "t10k-images-idx3-ubyte#1"


def test_without_test_files_no_split_is_given(tmp_path, write_idx_folder):
    source = idx_source(write_idx_folder(tmp_path / "idx", test=0), name="made")
    assert {record.split for record in source.records()} == {None}


@pytest.mark.parametrize("name", ["train-images.idx3-ubyte", "train-images.idx3-ubyte.gz"])
def test_the_dotted_spelling_is_found(idx_folder, write_idx, name):
    images = read_idx(idx_folder / TRAIN_IMAGES)
    (idx_folder / TRAIN_IMAGES).unlink()
    write_idx(idx_folder / name, images)
    assert find_idx_files(idx_folder)["train"][0].name == name


def test_the_signature_follows_the_content_and_not_the_path(tmp_path, write_idx_folder, write_idx):
    first = write_idx_folder(tmp_path / "one")
    second = write_idx_folder(tmp_path / "zwei Ämter")
    signature = idx_source(first, name="made").signature
    assert idx_source(second, name="made").signature == signature
    labels = read_idx(second / TRAIN_LABELS).copy()
    labels[3] += 1
    write_idx(second / TRAIN_LABELS, labels)
    assert idx_source(second, name="made").signature != signature


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (np.zeros((9, 28, 28)), np.zeros(10), r"\(9, 28, 28\) and .* \(10,\): as many labels"),
        (np.zeros((10, 28)), np.zeros(10), r"\(10, 28\) and .*: as many labels"),
        (np.zeros((10, 28, 28)), np.zeros((10, 1)), r"\(10, 1\): as many labels"),
        (np.zeros((0, 28, 28)), np.zeros(0), "holds no image"),
        (np.zeros((10, 4, 28)), np.zeros(10), "images of 4 x 28 pixels: 8 to 1024"),
    ],
)
def test_files_that_do_not_go_together_are_refused(idx_folder, write_idx, images, labels, message):
    write_idx(idx_folder / TRAIN_IMAGES, images)
    write_idx(idx_folder / TRAIN_LABELS, labels)
    with pytest.raises(DataError, match=message) as caught:
        idx_source(idx_folder, name="made")
    assert TRAIN_IMAGES in str(caught.value)


def test_a_label_without_a_class_is_refused(idx_folder):
    with pytest.raises(DataError, match="holds the label 9; only 2 classes"):
        idx_source(idx_folder, name="made", classes=("a", "b"))


@pytest.mark.parametrize(
    ("gone", "wanted"),
    [
        ("t10k-labels-idx1-ubyte", "put t10k-labels-idx1-ubyte"),
        ("t10k-images-idx3-ubyte", "put t10k-images-idx3-ubyte"),
        (TRAIN_LABELS, "put train-labels-idx1-ubyte"),
    ],
)
def test_images_without_labels_are_not_passed_over(idx_folder, gone, wanted):
    (idx_folder / gone).unlink()
    with pytest.raises(DataError, match=rf"stands alone: {wanted}"):
        idx_source(idx_folder, name="made")


def test_a_folder_without_training_files_is_refused(tmp_path, write_idx_folder):
    with pytest.raises(DataError, match="holds no train-images-idx3-ubyte"):
        idx_source(write_idx_folder(tmp_path / "idx", train=0), name="made")


def test_a_file_in_place_of_a_folder_is_refused(idx_folder):
    with pytest.raises(DataError, match=r"train-labels-idx1-ubyte is no folder"):
        idx_source(idx_folder / TRAIN_LABELS, name="made")
