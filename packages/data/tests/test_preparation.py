import json
import os
import shutil
import subprocess
import sys
import textwrap
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
from mlopsproj_core.errors import ConfigError, DataError, InvalidDataError
from mlopsproj_core.image import prepare_image
from mlopsproj_data import AugmentConfig, DataConfig, PreparedDataset, preparation, prepare
from mlopsproj_data.drafts import STALE_AFTER_SECONDS
from mlopsproj_data.examination import EXAMINED
from mlopsproj_data.preparation import examine_source, prepare_source, source_of
from mlopsproj_data.sources.idx import idx_source
from mlopsproj_data.splits import SPLITS
from PIL import Image


@pytest.fixture
def config(tmp_path, idx_folder):
    return DataConfig(path=str(idx_folder), prepared_dir=str(tmp_path / "prepared"))


def files_of(dataset):
    return {
        path.name: (path.stat().st_ino, path.stat().st_mtime_ns)
        for path in dataset.folder.iterdir()
    }


def contents_of(dataset):
    return {path.name: path.read_bytes() for path in dataset.folder.iterdir()}


def entries(config):
    """Of the folder of prepared data sets, but the record of splits."""
    names = (path.name for path in Path(config.prepared_dir).iterdir())
    return sorted(name for name in names if not name.endswith(".splits.jsonl"))


def test_pixels_and_labels_come_back(config, idx_folder):
    dataset = prepare(config)
    records = {record.origin: record for record in idx_source(idx_folder, name="idx").records()}
    assert sum(dataset.counts.values()) == len(records)
    for split in SPLITS:
        images, table = dataset.labelled(split), dataset.table(split)
        assert len(images) == dataset.counts[split]
        for pixels, label, origin in zip(
            images.images, images.labels, table["source"].to_pylist(), strict=True
        ):
            record = records.pop(origin)
            assert np.array_equal(pixels, prepare_image(record.image, dataset.spec).pixels)
            assert label == record.label
    assert not records


@pytest.mark.parametrize(("side", "channels"), [(12, None), (None, 3), (40, 3)])
def test_size_and_channels_are_chosen(config, idx_folder, side, channels):
    dataset = prepare(replace(config, image_size=side, channels=channels))
    assert dataset.spec.shape == (side or 28, side or 28, channels or 1)
    labelled = dataset.labelled("test")
    first = idx_source(idx_folder, name="idx").records()
    record = next(record for record in first if record.split == "test")
    assert np.array_equal(labelled.images[0], prepare_image(record.image, dataset.spec).pixels)


def test_what_was_prepared_is_found_again(config, idx_folder):
    dataset = prepare(config)
    before = files_of(dataset)
    for path in idx_folder.iterdir():
        path.touch()
    moved = idx_folder.rename(idx_folder.parent / "Ä new place")
    again = prepare(replace(config, path=str(moved), name="idx"))
    assert again == dataset
    assert files_of(again) == before
    assert (
        prepare(replace(config, path=str(moved), name="idx", augment=AugmentConfig(flip=False)))
        == dataset
    )
    assert len(entries(config)) == 1


@pytest.mark.parametrize(
    "change", [{"image_size": 20}, {"channels": 3}, {"validation_fraction": 0.3}, {"name": "other"}]
)
def test_another_setting_is_another_data_set(config, change):
    first, second = prepare(config), prepare(replace(config, **change))
    assert first.folder != second.folder
    assert (first.fingerprint == second.fingerprint) == ("name" in change)


def test_a_changed_label_is_another_data_set(config, idx_folder, write_idx):
    first = prepare(config)
    write_idx(idx_folder / "train-labels-idx1-ubyte", (np.arange(200) + 1) % 10)
    second = prepare(config)
    assert first.folder != second.folder
    assert first.fingerprint != second.fingerprint


def test_progress_reaches_the_end_and_is_silent_when_nothing_is_done(config):
    told = []
    prepare(config, progress=lambda done, total: told.append((done, total)))
    assert told == sorted(told)
    assert told[0] == (0, 250)
    assert told[-1] == (250, 250)
    told.clear()
    prepare(config, progress=lambda done, total: told.append((done, total)))
    assert told == []


@pytest.mark.parametrize(
    "name",
    [
        "",
        "Upper",
        "with space",
        "ümlaut",
        "../outside",
        "a/b",
        "-first",
        ".hidden",
        "a" * 101,
        "a\n",
    ],
)
def test_a_name_that_no_registry_takes_is_refused_before_any_work(config, name):
    with pytest.raises(ConfigError, match=r"data\.name=.* is no name of a model: give") as caught:
        prepare(replace(config, name=name, path="/nowhere"))
    assert repr(name) in str(caught.value)
    assert not Path(config.prepared_dir).exists()


@pytest.mark.parametrize("name", ["a", "7", "a" * 100, "my_data-2.1"])
def test_a_name_that_a_registry_takes_is_kept(config, name):
    assert prepare(replace(config, name=name)).name == name


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"image_size": 0}, "data.image_size=0: give 8 to 1024 pixels"),
        ({"image_size": 7}, "data.image_size=7: give"),
        ({"image_size": 1025}, "data.image_size=1025: give"),
        ({"image_size": -28}, "data.image_size=-28: give"),
        ({"channels": 0}, "data.channels=0: give 1 .grey. or 3"),
        ({"channels": 2}, "data.channels=2: give"),
        ({"validation_fraction": 0.0}, "data.validation_fraction=0.0: give"),
    ],
)
def test_a_setting_that_cannot_be_is_named(config, change, message):
    with pytest.raises(ConfigError, match=message):
        prepare(replace(config, **change))


def test_folders_may_have_any_name(tmp_path, write_idx_folder):
    folder = write_idx_folder(tmp_path / "Schuhe & Co. [neu] 靴")
    config = DataConfig(path=str(folder), prepared_dir=str(tmp_path / "fertig - 準備 [1]"))
    dataset = prepare(config)
    assert dataset.name == "schuhe---co---neu"
    assert prepare(config) == dataset
    assert len(dataset.labelled("train").images) == dataset.counts["train"]


def test_too_few_images_are_refused(tmp_path, make_source, make_records):
    source = make_source(make_records(3, splits=("test",)))
    with pytest.raises(InvalidDataError, match=r"No image is left for train and validation: add"):
        prepare_source(source, tmp_path / "prepared", validation_fraction=0.1)


def test_copies_of_test_images_alone_are_no_training_images(tmp_path, make_source, make_records):
    tests, others = make_records(20, splits=("test",)), make_records(20, splits=("validation",))
    copies = [replace(record, split="train", origin=f"copy {record.origin}") for record in tests]
    others = [replace(other, image=255 - other.image) for other in others]
    source = make_source([*copies, *tests, *others])
    with pytest.raises(DataError, match=r"Too few images for three splits: .*'train': 0"):
        prepare_source(source, tmp_path / "prepared", validation_fraction=0.1)


def test_one_class_is_refused_before_any_work(tmp_path, make_source, make_records):
    source = replace(make_source(make_records(50)), classes=("shoe",))
    with pytest.raises(DataError, match=r"one class only \(shoe\): add images of a second one"):
        prepare_source(source, tmp_path / "prepared", validation_fraction=0.1)
    assert not (tmp_path / "prepared").exists()


@pytest.fixture
def spoilt(make_source, make_records):
    """A source with an image that is none, and one image under two labels."""
    records = make_records(80, splits=("train", "train", "test"))
    records[30] = replace(records[30], image=b"no image", origin="photos/cat.jpg")
    records[41] = replace(records[41], image=records[40].image)
    return make_source(records)


def test_what_is_wrong_is_refused_with_the_mend(tmp_path, spoilt):
    with pytest.raises(InvalidDataError, match=r"data\.drop_invalid=true") as caught:
        prepare_source(spoilt, tmp_path, validation_fraction=0.1)
    assert "photos/cat.jpg" in str(caught.value)
    assert "0#40" in str(caught.value)
    assert [path for path in tmp_path.iterdir() if not path.name.startswith(".")] == []


def test_what_is_wrong_is_left_out_without_examining_anything_again(tmp_path, spoilt):
    told = []

    def prepare_it(**options):
        return prepare_source(
            spoilt,
            tmp_path,
            validation_fraction=0.1,
            progress=lambda done, _: told.append(done),
            **options,
        )

    with pytest.raises(InvalidDataError):
        prepare_it()
    assert told[-1] == 80
    told.clear()
    dataset = prepare_it(drop_invalid=True)
    assert told == []
    assert sum(dataset.counts.values()) == 77
    assert dataset.dropped["invalid"] == 3
    rows = json.loads(dataset.dropped_file.read_bytes())
    assert {row["origin"] for row in rows} == {"photos/cat.jpg", "0#40", "0#41"}
    assert all(row["check"] and row["detail"] for row in rows)
    assert not dataset.report["valid"]
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
    records = {record.origin: record for record in spoilt.records()}
    for split in SPLITS:
        origins = dataset.table(split)["source"].to_pylist()
        for origin, pixels in zip(origins, dataset.labelled(split).images, strict=True):
            assert np.array_equal(pixels[..., 0], records[origin].image)
    with pytest.raises(InvalidDataError):
        prepare_it()


def test_classes_without_an_image_are_left_out_with_what_is_invalid(
    tmp_path, make_source, make_records
):
    records = make_records(90)
    records = [replace(record, label=(0, 2, 4)[i % 3]) for i, record in enumerate(records)]
    records = [
        replace(record, image=b"" if record.label == 2 else record.image) for record in records
    ]
    source = make_source(records, classes=("a", "b", "c", "d", "e"))
    dataset = prepare_source(source, tmp_path, validation_fraction=0.2, drop_invalid=True)
    assert dataset.classes == ("a", "e")
    assert sum(dataset.counts.values()) == 60
    labels = {record.origin: record.label // 4 for record in records}
    for split in SPLITS:
        rows = dataset.table(split).to_pylist()
        assert all(row["label"] == labels[row["source"]] for row in rows)
    checks = {row["check"] for row in json.loads(dataset.dropped_file.read_bytes())}
    assert len(checks) >= 3


def test_what_dropping_cannot_mend_is_refused_all_the_same(tmp_path, make_source, make_records):
    records = [
        replace(record, image=b"" if record.label else record.image) for record in make_records(60)
    ]
    with pytest.raises(InvalidDataError, match="one class only"):
        prepare_source(make_source(records), tmp_path, validation_fraction=0.1, drop_invalid=True)


def test_a_file_in_place_of_the_prepared_folder_is_refused(config, tmp_path):
    (tmp_path / "prepared").touch()
    with pytest.raises(DataError, match=r"prepared.* cannot be written .*data\.prepared_dir"):
        prepare(config)


def write_photos(folder, count):
    """Class folders of JPEG files."""
    for i, pixels in enumerate(np.random.default_rng(0).integers(0, 256, (count, 40, 60, 3))):
        path = folder / f"class {i % 2}" / f"{i}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels.astype(np.uint8)).save(path)
    return folder


@pytest.fixture
def photos(tmp_path):
    folder = write_photos(tmp_path / "my photos", 90)
    return DataConfig(path=str(folder), prepared_dir=str(tmp_path / "prepared"))


def test_an_error_names_the_command_that_shows_all(photos):
    (Path(photos.path) / "class 0" / "empty.jpg").touch()
    with pytest.raises(InvalidDataError, match=r"uv run data validate '.*/my photos'$"):
        prepare(photos)


def test_a_source_that_is_open_already_is_not_opened_again(photos, monkeypatch):
    source = source_of(photos)
    opened = []

    def reopen(config, log):
        opened.append(config)
        return source

    monkeypatch.setattr(preparation, "open_source", reopen)
    assert prepare(photos, source=source).name == "my-photos"
    assert len(opened) == 1  # after the pass, to see whether it changed
    assert prepare(photos, source=source).name == "my-photos"
    assert len(opened) == 1


def test_a_file_that_can_be_read_again_is_looked_at_again(photos, monkeypatch):
    source, (bad, *_) = source_of(photos), list(source_of(photos).records())
    place = bad.image.rename(bad.image.with_suffix(".hidden"))
    with pytest.raises(InvalidDataError, match="is gone"):
        prepare_source(source, Path(photos.prepared_dir), validation_fraction=0.1)
    place.rename(bad.image)
    told = []
    dataset = prepare(photos, source=source, progress=lambda done, _: told.append(done))
    assert set(told) <= {90}
    assert sum(dataset.counts.values()) == 90
    for split in SPLITS:
        origins = dataset.table(split)["source"].to_pylist()
        assert origins == [each.origin for each in source.records() if each.origin in origins]
        if bad.origin in origins:
            pixels = dataset.labelled(split).images[origins.index(bad.origin)]
            expected = prepare_image(bad.image.read_bytes(), dataset.spec).pixels
            assert np.array_equal(pixels, expected)


@pytest.mark.parametrize("change", ["gone", "other", "new", "folder"])
def test_a_source_that_changes_meanwhile_is_refused(photos, change):
    folder = Path(photos.path)

    def meddle(done, _):
        file = folder / "class 1" / "89.jpg"
        if done:
            return
        if change == "gone":
            file.unlink()
        elif change == "folder":
            shutil.rmtree(folder)
        else:
            file = file if change == "other" else file.with_name("new.jpg")
            Image.new("RGB", (50, 50), "red").save(file)

    with pytest.raises(DataError, match="my-photos changed while it was prepared"):
        prepare(photos, progress=meddle)
    assert not [name for name in entries(photos) if not name.startswith(".")]


def test_a_source_that_changed_afterwards_is_prepared_anew_beside_the_old(photos):
    first = prepare(photos)
    before = contents_of(first)
    Image.new("RGB", (50, 50), "red").save(Path(photos.path) / "class 0" / "new.jpg")
    second = prepare(photos)
    assert second.folder != first.folder
    assert sum(second.counts.values()) == 91
    assert contents_of(first) == before
    old = {row["id"]: row["split"] for split in SPLITS for row in first.table(split).to_pylist()}
    new = {row["id"]: row["split"] for split in SPLITS for row in second.table(split).to_pylist()}
    assert old.items() < new.items()


def test_a_source_of_another_length_than_it_said_is_refused(tmp_path, make_source, make_records):
    source = replace(make_source(make_records(50)), count=51)
    with pytest.raises(DataError, match="gave 50 records instead of 51: it changed"):
        prepare_source(source, tmp_path, validation_fraction=0.1)


def test_a_rare_class_stands_in_all_splits_and_stays_there(tmp_path, make_source, make_records):
    records = [
        replace(record, label=2 if i >= 97 else record.label)
        for i, record in enumerate(make_records(100))
    ]

    def places(records):
        source = make_source(records, classes=("even", "odd", "rare"))
        dataset = prepare_source(source, tmp_path, validation_fraction=0.1)
        rows = [row for split in SPLITS for row in dataset.table(split).to_pylist()]
        for split in SPLITS:
            images = dataset.labelled(split).images
            for row, pixels in zip(dataset.table(split).to_pylist(), images, strict=True):
                (own,) = [each for each in records if each.origin == row["source"]]
                assert np.array_equal(own.image, pixels[..., 0])
        return {row["source"]: row["split"] for row in rows}

    first = places(records)
    assert {first[f"0#{number}"] for number in range(97, 100)} == set(SPLITS)
    ledger = tmp_path / "made.splits.jsonl"
    assert len(ledger.read_text().splitlines()) >= 3
    more = [replace(record, label=2) for record in make_records(40, seed=1)]
    second = places([*more, *records])
    assert {origin: second[origin] for origin in first} == first


def test_what_is_examined_without_pixels_is_what_is_prepared(photos):
    source = source_of(photos)
    told = []
    table = examine_source(
        source, validation_fraction=0.1, progress=lambda done, _: told.append(done)
    )
    assert table.schema.equals(EXAMINED)
    assert (told[0], told[-1]) == (0, 90)
    assert not Path(photos.prepared_dir).exists()
    dataset = prepare(photos)
    rows = [row for split in SPLITS for row in dataset.table(split).to_pylist()]
    expected = {row["source"]: row for row in rows}
    for row in table.to_pylist():
        kept = expected.pop(row["source"])
        assert {name: row[name] for name in kept} == kept
    assert not expected


# What follows happens to processes.

CHILD = textwrap.dedent(
    """
    import sys, time
    from pathlib import Path
    from mlopsproj_data import DataConfig, prepare

    signal, path, prepared_dir, slow = sys.argv[1:]

    def tell(done, total):
        with Path(signal).open("a") as file:
            file.write(f"{done}\\n")
        time.sleep(float(slow))

    prepare(DataConfig(path=path, prepared_dir=prepared_dir), progress=tell)
    """
)


def start(config, signal, *, slow=0.0):
    """A process that prepares, and writes a line of how far it is for each batch."""
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, signal, config.path, config.prepared_dir, str(slow)],
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(signal, lines, process):
    end = time.monotonic() + 60
    while not signal.exists() or len(signal.read_text().splitlines()) < lines:
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < end
        time.sleep(0.005)


def test_two_processes_that_prepare_the_same_take_turns(config, tmp_path):
    signals = [tmp_path / "a", tmp_path / "b"]
    processes = [start(config, signal, slow=0.1) for signal in signals]
    for process in processes:
        _, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
    assert sum(signal.exists() for signal in signals) == 1  # the other one had nothing to do
    dataset = prepare(config)
    assert entries(config) == [dataset.folder.name]
    alone = prepare(replace(config, prepared_dir=str(tmp_path / "alone")))
    assert contents_of(dataset) == contents_of(alone)


def test_spawned_workers_prepare_the_same_and_can_hand_it_over(config):
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        found = list(pool.map(prepare, [config] * 4))
    assert found == [prepare(config)] * 4
    assert entries(config) == [found[0].folder.name]


def test_a_killed_process_leaves_nothing_that_looks_like_a_data_set(config, tmp_path):
    process = start(config, tmp_path / "a", slow=60)
    wait_for(tmp_path / "a", 1, process)
    process.kill()
    process.communicate()
    (left,) = entries(config)
    assert left.startswith(".")
    draft = tmp_path / "prepared" / left
    with pytest.raises(DataError, match="holds no prepared data set"):
        PreparedDataset.open(draft)
    other = prepare(replace(config, image_size=16))
    assert entries(config) == [left, other.folder.name]  # it could be at work still
    moment = time.time() - STALE_AFTER_SECONDS - 60
    for path in (*draft.iterdir(), draft):
        os.utime(path, (moment, moment))
    third = prepare(replace(config, image_size=20))
    assert entries(config) == sorted([other.folder.name, third.folder.name])


@pytest.mark.parametrize("kills", [1, 3])
def test_a_killed_preparation_goes_on_where_it_was(tmp_path, kills):
    photos = write_photos(tmp_path / "photos", 600)
    config = DataConfig(path=str(photos), prepared_dir=str(tmp_path / "prepared"))
    expected = prepare(replace(config, prepared_dir=str(tmp_path / "elsewhere")))
    reached = 0
    for kill in range(kills):
        signal = tmp_path / str(kill)
        process = subprocess.Popen(
            [
                *(sys.executable, "-c"),
                "from mlopsproj_data import unfinished; unfinished._ROWS_OF_A_PIECE = 1" + CHILD,
                *(signal, config.path, config.prepared_dir, "0.05"),
            ],
            stderr=subprocess.PIPE,
            text=True,
        )
        wait_for(signal, 3, process)
        process.kill()
        process.communicate()
        done = [int(line) for line in signal.read_text().splitlines()]
        assert done[0] >= reached
        reached = done[-2]  # recorded before it was told
    told = []
    dataset = prepare(config, progress=lambda done, _: told.append(done))
    assert reached <= told[0] < 600
    assert contents_of(dataset) == contents_of(expected)
    assert entries(config) == [dataset.folder.name]


FULL = textwrap.dedent(
    """
    import json, os, sys
    from mlopsproj_core.errors import DataError
    from mlopsproj_data import DataConfig, prepare

    path, prepared_dir, limit = sys.argv[1:]
    if limit:
        import resource
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))
    try:
        prepare(DataConfig(path=path, prepared_dir=prepared_dir))
    except DataError as error:
        print(json.dumps({"error": str(error), "left": os.listdir(prepared_dir)}))
    """
)


def assert_full(done, prepared_dir, reason):
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert all(name.startswith(".") and name.endswith(".draft") for name in told["left"])
    assert told["error"] == (
        f"{prepared_dir} cannot be written ({reason}): free some space, or name another folder by"
        " data.prepared_dir=FOLDER; what is done so far is kept."
    )


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no RLIMIT_FSIZE")
@pytest.mark.parametrize(("side", "largest"), [(28, "train.u8"), (8, "images.parquet")])
def test_a_file_that_may_not_grow_is_one_clear_error(tmp_path, write_idx_folder, side, largest):
    folder = write_idx_folder(tmp_path / "idx", side=side)
    config = DataConfig(path=str(folder), prepared_dir=str(tmp_path / "prepared"))
    elsewhere = prepare(replace(config, prepared_dir=str(tmp_path / "elsewhere")))
    *_, second, first = sorted(
        (path.stat().st_size, path.name) for path in elsewhere.folder.iterdir()
    )
    assert first[1] == largest
    limit = (first[0] + second[0]) // 2
    done = subprocess.run(
        [sys.executable, "-c", FULL, config.path, config.prepared_dir, str(limit)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert_full(done, config.prepared_dir, "File too large")


def can_mount() -> bool:
    """Whether a process can have mounts of its own here."""
    try:
        trial = "mount -t tmpfs -o size=64k tmpfs /mnt"
        done = subprocess.run(
            ["unshare", "--map-root-user", "--mount", "sh", "-c", trial],
            capture_output=True,
            check=False,
        )
    except OSError:
        return False
    return done.returncode == 0


@pytest.mark.skipif(
    not can_mount(), reason="a small file system can be mounted as root or with user namespaces"
)
def test_a_full_disk_is_one_clear_error(config, tmp_path):
    (tmp_path / "prepared").mkdir()
    done = subprocess.run(
        [
            *("unshare", "--map-root-user", "--mount", "sh", "-c"),
            'mount -t tmpfs -o size=128k tmpfs "$5" && exec "$@"',
            *("sh", sys.executable, "-c", FULL, config.path, config.prepared_dir, ""),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert_full(done, config.prepared_dir, "No space left on device")
