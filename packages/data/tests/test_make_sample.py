"""The script that makes the embedded sample, on the official files and on small ones."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from mlopsproj_core.errors import DataError
from mlopsproj_data.sources import fashion_mnist
from mlopsproj_data.sources.fashion_mnist import DEBIAN_FOLDER, from_mosaic
from mlopsproj_data.sources.idx import read_idx
from PIL import Image

MEMBER = Path(__file__).parents[1]
COMMITTED = Path(fashion_mnist.__file__).parents[1] / "sample"
PER_CLASS = {"train": 30, "test": 10}


@pytest.fixture
def script(tmp_path, monkeypatch):
    """The script as a module, writing elsewhere."""
    spec = importlib.util.spec_from_file_location(
        "make_sample", MEMBER / "scripts" / "make_sample.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.SAMPLE == COMMITTED
    monkeypatch.setattr(module, "SAMPLE", tmp_path)
    return module


@pytest.mark.skipif(
    not DEBIAN_FOLDER.is_dir(),
    reason=f"{DEBIAN_FOLDER} is absent: apt-get install dataset-fashion-mnist",
)
def test_gives_the_committed_sample(script, tmp_path, monkeypatch):
    # Compressing takes longer than all else and says nothing about what was drawn.
    save = Image.Image.save
    monkeypatch.setattr(Image.Image, "save", lambda image, path, **_: save(image, path))
    monkeypatch.setattr("sys.argv", ["make_sample.py"])
    script.main()
    for split in ("train", "test"):
        with (
            Image.open(tmp_path / f"{split}.png") as made,
            Image.open(COMMITTED / f"{split}.png") as committed,
        ):
            assert np.array_equal(np.asarray(made), np.asarray(committed))


@pytest.fixture
def small_official(script, tmp_path, write_idx_folder, monkeypatch):
    """40 training and 12 test images of each class, of which a quarter stand twice."""
    monkeypatch.setattr(script, "SAMPLE_PER_CLASS", PER_CLASS)
    folder = write_idx_folder(tmp_path / "idx", train=400, test=120)
    images = read_idx(folder / "train-images-idx3-ubyte").copy()
    test = read_idx(folder / "t10k-images-idx3-ubyte")
    images[:50] = images[50:100]
    images[100:150] = test[:50]
    return folder, images


def test_draws_each_class_equally_and_no_image_twice(
    script, small_official, write_idx, tmp_path, monkeypatch
):
    folder, images = small_official
    write_idx(folder / "train-images-idx3-ubyte", images)
    monkeypatch.setattr("sys.argv", ["make_sample.py", str(folder)])
    script.main()
    contents = []
    for split, files in script.find_idx_files(folder).items():
        source, labels = (read_idx(path) for path in files)
        label_of = {image.tobytes(): label for image, label in zip(source, labels, strict=True)}
        with Image.open(tmp_path / f"{split}.png") as mosaic:
            drawn = from_mosaic(np.asarray(mosaic))
        expected = np.repeat(np.arange(10), PER_CLASS[split])
        assert [label_of[image.tobytes()] for image in drawn] == list(expected)
        contents += [image.tobytes() for image in drawn]
    assert len(set(contents)) == len(contents) == 400


def test_draws_the_same_again(script, small_official):
    folder, _ = small_official
    first, second = script.draw(folder), script.draw(folder)
    assert all(np.array_equal(first[split], second[split]) for split in PER_CLASS)


def test_too_few_images_of_a_class_are_refused(script, small_official, write_idx):
    folder, images = small_official
    images[0::10] = images[0]
    write_idx(folder / "train-images-idx3-ubyte", images)
    with pytest.raises(DataError, match=r"29 different images of T-shirt/top too few: 30 are"):
        script.draw(folder)


def test_a_folder_without_the_files_is_refused(script, tmp_path):
    with pytest.raises(DataError, match="holds no test images as IDX files: name the folder"):
        script.draw(tmp_path)
