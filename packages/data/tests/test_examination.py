import io
import os
import sys
import zlib

import numpy as np
import pytest
from mlopsproj_core.image import ImageSpec, prepare_image
from mlopsproj_data import examination
from mlopsproj_data.examination import EXAMINED, examine
from mlopsproj_data.perceptual_hash import perceptual_hash
from mlopsproj_data.records import Record, content_id
from PIL import Image

SPEC = ImageSpec(24, 24, 3)


def jpeg(seed=0, size=(40, 30)):
    pixels = np.random.default_rng(seed).integers(0, 256, (*size[::-1], 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG")
    return buffer.getvalue()


def examined(image, **said):
    (found,) = examine([Record(image, 1, said.get("split"), said.get("group"), "here")], SPEC)
    assert list(found.facts) == EXAMINED.names
    return found


def test_a_file_is_described(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(jpeg())
    found = examined(path, split="test", group="anna")
    expected = prepare_image(jpeg(), SPEC)
    assert np.array_equal(found.pixels, expected.pixels)
    assert found.facts == {
        "id": content_id(jpeg()),
        "label": 1,
        "given": "test",
        "split": None,
        "group": "anna",
        "source": "here",
        "bytes": len(jpeg()),
        "format": "JPEG",
        "perceptual_hash": perceptual_hash(expected.luma[..., None]),
        "problem": None,
        **expected.statistics.as_dict(),
    }


def test_an_array_and_bytes_are_described():
    pixels = np.random.default_rng(0).integers(0, 256, (28, 28), dtype=np.uint8)
    found = examined(pixels).facts
    assert (found["format"], found["bytes"], found["mode"]) == (None, 784, "L")
    assert found["id"] == content_id(pixels)
    assert examined(jpeg()).facts["format"] == "JPEG"


BAD = {
    "empty": (b"", "empty (0 bytes)"),
    "text": (b"<html>not found</html>", "no image that can be read"),
    "truncated": (jpeg()[:-300], "cannot be decoded"),
    "cut in the header": (jpeg()[:40], "cannot be decoded|no image"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_image_is_said_to_be_one_and_keeps_its_id(tmp_path, name):
    data, reason = BAD[name]
    path = tmp_path / "bad.jpg"
    path.write_bytes(data)
    found = examined(path)
    assert found.pixels is None
    assert any(part in found.facts["problem"] for part in reason.split("|"))
    assert (found.facts["id"], found.facts["bytes"]) == (content_id(data), len(data))
    assert found.facts["format"] is found.facts["width"] is found.facts["perceptual_hash"] is None


def test_an_image_of_900_million_pixels_is_refused_before_it_is_decoded(tmp_path):
    # The header of a PNG of 30,000 x 30,000 pixels is enough.
    buffer = io.BytesIO()
    Image.new("1", (8, 8)).save(buffer, "PNG")
    data = bytearray(buffer.getvalue())
    data[16:24] = (30_000).to_bytes(4, "big") * 2
    data[29:33] = zlib.crc32(bytes(data[12:29])).to_bytes(4, "big")
    path = tmp_path / "large.png"
    path.write_bytes(data)
    assert (
        "far more than the 50,000,000 pixels that are accepted: make it smaller"
        in examined(path).facts["problem"]
    )


def test_what_cannot_be_read_has_no_id(tmp_path):
    (tmp_path / "folder.jpg").mkdir()
    gone, folder = examined(tmp_path / "gone.jpg").facts, examined(tmp_path / "folder.jpg").facts
    assert gone["problem"] == "The file is gone."
    assert gone["id"] is gone["bytes"] is None
    # Windows says of a folder that it may not be read.
    assert folder["problem"] in {
        "A folder has the name of an image file.",
        "The file may not be read: no permission.",
    }


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such permissions")
def test_no_permission_is_said(tmp_path, monkeypatch):
    path = tmp_path / "secret.jpg"
    path.write_bytes(jpeg())
    path.chmod(0)
    if os.access(path, os.R_OK):  # root may read everything

        def refuse(image):
            raise PermissionError(13, "Permission denied", str(image))

        monkeypatch.setattr(examination, "load", refuse)
    assert examined(path).facts["problem"] == "The file may not be read: no permission."


def test_a_disk_that_fails_is_said(monkeypatch, tmp_path):
    def fail(_):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(examination, "load", fail)
    assert examined(tmp_path).facts["problem"] == "The file cannot be read (Input/output error)."


@pytest.mark.parametrize("where", ["load", "prepare_images"])
def test_an_image_for_which_the_memory_does_not_suffice_harms_no_other(monkeypatch, where):
    real = getattr(examination, where)
    large = jpeg(1)

    def fail(given, *spec):
        if large in (given if spec else [given]):
            raise MemoryError
        return real(given, *spec)

    monkeypatch.setattr(examination, where, fail)
    records = [Record(jpeg(i), 0, None, None, str(i)) for i in range(3)]
    problems = [found.facts["problem"] for found in examine(records, SPEC)]
    assert problems[0] is problems[2] is None
    assert "more memory than there is" in problems[1]


def test_records_together_are_described_as_each_alone(tmp_path):
    images = [jpeg(0), b"", jpeg(1), tmp_path / "gone", np.zeros((9, 9), dtype=np.uint8), jpeg(2)]
    records = [Record(image, i, None, None, str(i)) for i, image in enumerate(images)]
    together = examine(records, SPEC)
    alone = [found for record in records for found in examine([record], SPEC)]
    assert [found.facts for found in together] == [found.facts for found in alone]
    for one, other in zip(together, alone, strict=True):
        assert (one.pixels is None) == (other.pixels is None)
        assert one.pixels is None or np.array_equal(one.pixels, other.pixels)


def test_nothing_is_examined():
    assert examine([], SPEC) == []
