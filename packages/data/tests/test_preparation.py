import json
import os
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
from mlopsproj_core.errors import ConfigError, DataError
from mlopsproj_core.image import prepare_image
from mlopsproj_data import AugmentConfig, DataConfig, PreparedDataset, prepare
from mlopsproj_data.drafts import STALE_AFTER_SECONDS
from mlopsproj_data.idx import idx_source
from mlopsproj_data.preparation import prepare_source
from mlopsproj_data.splits import SPLITS


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
    return sorted(path.name for path in Path(config.prepared_dir).iterdir())


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


def test_too_few_images_are_refused_and_nothing_stays(tmp_path, make_source, make_records):
    source = make_source(make_records(3, splits=("test",)))
    with pytest.raises(DataError, match=r"Too few images for three splits: .*'test': 3"):
        prepare_source(source, tmp_path / "prepared", validation_fraction=0.1)
    assert not list((tmp_path / "prepared").iterdir())


def test_one_class_is_refused_before_any_work(tmp_path, make_source, make_records):
    source = replace(make_source(make_records(50)), classes=("shoe",))
    with pytest.raises(DataError, match=r"one class only \(shoe\): add images of a second one"):
        prepare_source(source, tmp_path / "prepared", validation_fraction=0.1)
    assert not (tmp_path / "prepared").exists()


def test_an_unusable_image_is_named_and_nothing_stays(tmp_path, make_source, make_records):
    records = make_records(50)
    records[30] = replace(records[30], image=b"no image", origin="photos/cat.jpg")
    with pytest.raises(DataError, match=r"photos/cat\.jpg cannot be used: 8 bytes"):
        prepare_source(make_source(records), tmp_path / "prepared", validation_fraction=0.1)
    assert not list((tmp_path / "prepared").iterdir())


def test_a_file_in_place_of_the_prepared_folder_is_refused(config, tmp_path):
    (tmp_path / "prepared").touch()
    with pytest.raises(DataError, match=r"prepared.* cannot be written .*data\.prepared_dir"):
        prepare(config)


# What follows happens to processes.

CHILD = textwrap.dedent(
    """
    import json, os, sys, time
    from pathlib import Path
    from mlopsproj_core.errors import DataError
    from mlopsproj_data import DataConfig, prepare

    signals, me, other, path, prepared_dir = sys.argv[1:]

    def meet(done, total):
        # Stop in the middle of writing until the other one has come as far.
        Path(signals, me).touch()
        while not Path(signals, other).exists():
            time.sleep(0.005)

    prepare(DataConfig(path=path, prepared_dir=prepared_dir), progress=meet)
    """
)


def start(config, tmp_path, me, other):
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, tmp_path, me, other, config.path, config.prepared_dir],
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(path, process):
    end = time.monotonic() + 60
    while not path.exists():
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < end
        time.sleep(0.005)


def test_two_processes_that_write_the_same_at_once_do_no_harm(config, tmp_path):
    processes = [start(config, tmp_path, "a", "b"), start(config, tmp_path, "b", "a")]
    for process in processes:
        _, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
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
    process = start(config, tmp_path, "a", "never")
    wait_for(tmp_path / "a", process)
    process.kill()
    process.communicate()
    (left,) = entries(config)
    assert left.startswith(".")
    draft = tmp_path / "prepared" / left
    with pytest.raises(DataError, match="holds no prepared data set"):
        PreparedDataset.open(draft)

    dataset = prepare(config)
    assert entries(config) == [left, dataset.folder.name]  # it could be at work still

    moment = time.time() - STALE_AFTER_SECONDS - 60
    for path in (*draft.iterdir(), draft):
        os.utime(path, (moment, moment))
    other = prepare(replace(config, image_size=16))
    assert entries(config) == sorted([dataset.folder.name, other.folder.name])


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
    assert told["left"] == []
    assert told["error"] == (
        f"{prepared_dir} cannot be written ({reason}): free some space, or name another folder by"
        " data.prepared_dir=FOLDER."
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
