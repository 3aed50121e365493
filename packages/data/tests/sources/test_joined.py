from dataclasses import replace

import numpy as np
import pytest
from labelled_log import LabelledLog, png, random_png
from mlopsproj_core.errors import DataError, InvalidDataError
from mlopsproj_data import DataConfig, prepare
from mlopsproj_data.config import Addition, Source
from mlopsproj_data.labelling.log_location import LogLocation
from mlopsproj_data.sources.fashion_mnist import sample_source
from mlopsproj_data.sources.recognition import open_source

ADDED = 30


@pytest.fixture
def log(tmp_path) -> LabelledLog:
    return LabelledLog(tmp_path / "log", model="photos")


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    for name in ("dark", "bright"):
        (folder / name).mkdir(parents=True)
        for seed in range(40):
            low = 128 * (name == "bright")
            (folder / name / f"{seed}.png").write_bytes(random_png(seed + low, low=low))
    return folder


@pytest.fixture
def config(photos, tmp_path) -> DataConfig:
    return DataConfig(path=str(photos), prepared_dir=str(tmp_path / "prepared"))


def added(config: DataConfig, **settings) -> DataConfig:
    return replace(config, add=[Addition.feedback], **settings)


def confirm(log, *, count=ADDED, start=1000, label=None) -> list[bytes]:
    images = [random_png(start + place, low=128 * (place % 2)) for place in range(count)]
    for place, image in enumerate(images):
        log.confirm(image, label or ("dark", "bright")[place % 2])
    return images


def splits(dataset) -> dict[str, str]:
    return {
        id_: split for split in dataset.counts for id_ in dataset.table(split)["id"].to_pylist()
    }


def test_it_is_a_new_version_of_the_same_data_set(log, config):
    confirm(log)
    before = prepare(config)
    after = prepare(added(config), log=LogLocation(log.url))
    assert (after.name, after.classes, after.spec) == (before.name, before.classes, before.spec)
    assert after.fingerprint != before.fingerprint
    assert sum(after.counts.values()) == sum(before.counts.values()) + ADDED
    old, new = splits(before), splits(after)
    assert {id_: new[id_] for id_ in old} == old
    # The confirmed ones are divided like all others, or the test would stay blind to them.
    assert {new[id_] for id_ in new.keys() - old.keys()} == {"train", "validation", "test"}
    origins = after.table("train")["source"].to_pylist()
    assert sum(origin.startswith("feedback ") for origin in origins) > 0
    assert after.provenance["images"] == ADDED
    assert before.provenance == {}
    assert not (before.folder / "provenance.csv").exists()


def test_more_of_it_moves_nothing(log, config):
    confirm(log, count=12)
    first = splits(prepare(added(config), log=LogLocation(log.url)))
    confirm(log, start=2000)
    second = splits(prepare(added(config), log=LogLocation(log.url)))
    assert len(second) == len(first) + ADDED
    assert {id_: second[id_] for id_ in first} == first


def test_an_image_of_the_source_that_is_confirmed_stays_one_image(log, config, photos):
    before = prepare(config)
    log.confirm((photos / "dark" / "3.png").read_bytes(), "dark")
    after = prepare(added(config), log=LogLocation(log.url))
    assert splits(after) == splits(before)
    assert after.fingerprint == before.fingerprint
    assert sum(after.dropped.values()) == 1


def test_a_label_that_contradicts_the_source_is_refused(log, config, photos):
    confirm(log)
    log.confirm((photos / "dark" / "3.png").read_bytes(), "bright")
    with pytest.raises(InvalidDataError, match="under more than one label"):
        prepare(added(config), log=LogLocation(log.url))
    dropped = prepare(added(config, drop_invalid=True), log=LogLocation(log.url))
    assert sum(dropped.counts.values()) == 80 - 1 + ADDED


def test_an_unknown_label_is_refused_unless_it_is_wanted(log, config):
    confirm(log)
    confirm(log, count=9, start=2000, label="grey")
    with pytest.raises(DataError) as raised:
        prepare(added(config), log=LogLocation(log.url))
    for text in ("9 confirmed images of photos", "(grey)", "feedback 0", "data.new_classes=true"):
        assert text in str(raised.value)
    dataset = prepare(added(config, new_classes=True), log=LogLocation(log.url))
    assert dataset.classes == ("bright", "dark", "grey")
    labels = np.concatenate([dataset.labelled(split).labels for split in dataset.counts])
    assert (labels == 2).sum() == 9


def test_feedback_about_another_model_is_not_this_data_sets(log, config):
    log.model = "else"
    confirm(log)
    with pytest.raises(DataError, match=r"no feedback about photos, only about else"):
        prepare(added(config), log=LogLocation(log.url))
    dataset = prepare(added(config, feedback_model="else"), log=LogLocation(log.url))
    assert dataset.name == "photos"
    assert dataset.provenance["model"] == "else"


def test_the_sample_takes_photos_and_knows_its_own_images_again(log, tmp_path):
    """The sample holds arrays of 28 x 28 pixels; somebody sends files."""
    config = DataConfig(source=Source.sample, prepared_dir=str(tmp_path / "prepared"))
    log.model = "fashion-mnist"
    tested = [record for record in sample_source().records() if record.split == "test"][:5]
    for record in tested:
        log.confirm(png(record.image), sample_source().classes[record.label])
    for seed in range(20):
        log.confirm(random_png(seed, side=50), "Bag")
    location = LogLocation(log.url)
    before, after = prepare(config), prepare(added(config), log=location)
    assert after.spec == before.spec
    assert sum(after.counts.values()) == sum(before.counts.values()) + 20
    assert sum(after.dropped.values()) - sum(before.dropped.values()) == len(tested)
    old, new = splits(before), splits(after)
    assert {id_: new[id_] for id_ in old} == old
    assert open_source(added(config), location).count == sample_source().count + 25
