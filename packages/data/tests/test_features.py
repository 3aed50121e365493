import os
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from mlopsproj_core.errors import DataError
from mlopsproj_core.image import ImageSpec
from mlopsproj_data import features
from mlopsproj_data.features import cached_features
from mlopsproj_data.preparation import prepare_source


class Projection:
    """Makes embeddings by one matrix, and counts the images that it was given."""

    embedding_size = 5

    def __init__(self, seed: int = 0) -> None:
        generator = torch.Generator().manual_seed(seed)
        self.matrix = torch.randn(8 * 8, self.embedding_size, generator=generator)
        self.sizes: list[int] = []

    def embed_images(self, images):
        assert images.dtype == torch.uint8
        self.sizes.append(len(images))
        return images.flatten(1).float() @ self.matrix

    def backbone_fingerprint(self):
        return str(self.matrix.sum().item())


@pytest.fixture
def dataset(tmp_path, make_source, make_records):
    records = make_records(200, splits=("train",) * 6 + ("test",))
    source = make_source(records, spec=ImageSpec(8, 8, 1))
    return prepare_source(source, tmp_path, validation_fraction=0.2)


def test_gives_the_embedding_of_each_image(dataset):
    embedder = Projection()
    found = cached_features(dataset, embedder)
    assert list(found) == ["train", "validation"]
    for split, values in found.items():
        images = torch.tensor(dataset.labelled(split).images)
        assert values.dtype == np.float32
        assert np.allclose(values, Projection().embed_images(images), rtol=1e-5)
        assert not values.flags.writeable


def test_computes_them_once_for_the_same_backbone(dataset):
    cached_features(dataset, Projection())
    again, other = Projection(), Projection(seed=1)
    first = {split: values.copy() for split, values in cached_features(dataset, again).items()}
    assert again.sizes == []
    second = cached_features(dataset, other)
    assert sum(other.sizes) == dataset.counts["train"] + dataset.counts["validation"]
    assert not np.allclose(first["train"], second["train"])
    names = sorted(path.name for path in dataset.folder.glob("*features*"))
    assert len(names) == 2
    assert all(name.startswith("features-") and name.endswith(".f32") for name in names)


def test_embeds_a_piece_at_a_time(dataset, monkeypatch):
    monkeypatch.setattr(features, "_PIECE_PIXELS", 8 * 8 * 30)
    embedder = Projection()
    whole = cached_features(dataset, embedder)["train"]
    assert max(embedder.sizes) == 30
    assert len(whole) == dataset.counts["train"]


def test_a_file_of_another_length_is_made_again(dataset):
    expected = cached_features(dataset, Projection())["train"].copy()
    (path,) = dataset.folder.glob("features-*.f32")
    path.write_bytes(path.read_bytes()[:-4])
    embedder = Projection()
    assert np.array_equal(cached_features(dataset, embedder)["train"], expected)
    assert embedder.sizes


def test_what_was_interrupted_leaves_nothing_behind(dataset, monkeypatch):
    monkeypatch.setattr(features, "_PIECE_PIXELS", 8 * 8 * 30)

    class Interrupted(Projection):
        def embed_images(self, images):
            if self.sizes:
                raise KeyboardInterrupt
            return super().embed_images(images)

    with pytest.raises(KeyboardInterrupt):
        cached_features(dataset, Interrupted())
    assert list(dataset.folder.glob("*features*")) == []
    assert len(cached_features(dataset, Projection())["train"]) == dataset.counts["train"]


def test_of_two_runs_at_once_on_windows_the_first_one_s_file_is_used(dataset, monkeypatch):
    replace = Path.replace

    def mapped(draft, target):
        replace(draft, target)  # the other run's, which is the same
        draft.touch()
        raise PermissionError(13, os.strerror(13))

    monkeypatch.setattr(Path, "replace", mapped)
    found = cached_features(dataset, Projection())["train"]
    monkeypatch.undo()
    assert np.array_equal(found, cached_features(dataset, Projection())["train"])
    assert list(dataset.folder.glob("*.draft")) == []


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such limit on Windows")
def test_a_full_disk_is_one_clear_error(dataset, monkeypatch):
    def full(descriptor):
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DataError, match=r"free some space.*model\.finetune\.cache_features=false"):
        cached_features(dataset, Projection())
    assert list(dataset.folder.glob("*features*")) == []


def test_tells_how_far_it_is(dataset, monkeypatch, caplog):
    monkeypatch.setattr(features, "_PIECE_PIXELS", 8 * 8 * 60)
    monkeypatch.setattr(features, "_TELL_EVERY_SECONDS", -1.0)
    with caplog.at_level("INFO", logger="mlopsproj_data.features"):
        cached_features(dataset, Projection())
    total = dataset.counts["train"] + dataset.counts["validation"]
    assert caplog.messages[0].startswith(f"embedding {total} images")
    assert caplog.messages[-1] == f"embedded {total} of {total} images"
