"""Where a sweep is kept: what it remembers, what it refuses, and databases that cannot be used."""

from dataclasses import replace

import pytest
from mlopsproj_core.errors import ConfigError, TrainingError
from mlopsproj_train.config import DataConfig, TrainConfig, TrainerConfig
from mlopsproj_train.sweeping.study import Beginning, begin_sweep, find_sweep

SPACE = {
    "optimizer.lr": {"low": 1e-4, "high": 1e-1, "log": True},
    "model.network.widths": {"choices": [[8], [16]]},
}


def test_a_sweep_is_found_again_with_all_it_began_with(beginning):
    base = TrainConfig(data=DataConfig(path="photos"), trainer=TrainerConfig(max_epochs=3))
    made = begin_sweep("tiny", None, beginning(SPACE, base))
    found = find_sweep("tiny", None)
    assert (
        found.beginning.document() == made.beginning.document() == beginning(SPACE, base).document()
    )
    assert found.beginning.space.base.data.path == "photos"
    assert found.beginning.space.base.trainer.max_epochs == 3
    assert found.storage == "sweeps/tiny/study.db"
    assert found.folder.is_dir()


def test_the_same_beginning_opens_the_same_study(beginning):
    first = begin_sweep("tiny", None, beginning(SPACE))
    first.study.enqueue_trial({})
    assert len(begin_sweep("tiny", None, beginning(SPACE)).study.trials) == 1
    assert len(begin_sweep("other", None, beginning(SPACE)).study.trials) == 0


def test_another_database_may_hold_several_sweeps(beginning):
    for name in ("one", "two"):
        begin_sweep(name, "sqlite:///all.db", beginning(SPACE)).study.enqueue_trial({})
    assert len(find_sweep("one", "sqlite:///all.db").study.trials) == 1
    with pytest.raises(ConfigError, match=r"no sweep three in sqlite:///all\.db"):
        find_sweep("three", "sqlite:///all.db")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            {"space": {"optimizer.lr": {"low": 1e-4, "high": 0.5, "log": True}}},
            "space.optimizer.lr.high",
        ),
        ({"base": TrainConfig(trainer=TrainerConfig(max_epochs=4))}, "trainer.max_epochs"),
        ({"base": TrainConfig(seed=1)}, "seed was 0, now 1"),
        ({"fingerprint": "0" * 64}, "fingerprint"),
    ],
    ids=["space", "run", "seed", "data"],
)
def test_a_study_that_began_otherwise_is_refused(beginning, change, told):
    begin_sweep("tiny", None, beginning(SPACE))
    with pytest.raises(ConfigError) as error:
        begin_sweep("tiny", None, beginning(**{"space": SPACE} | change))
    assert told in str(error.value)
    assert "The sweep tiny began otherwise" in str(error.value)
    assert "name=…" in str(error.value)


def test_the_place_of_the_data_may_differ(beginning):
    here, there = (TrainConfig(data=DataConfig(path=path)) for path in ("/a/photos", "/b/photos"))
    begin_sweep("tiny", None, beginning(SPACE, here))
    begin_sweep("tiny", None, beginning(SPACE, there))


def test_a_setting_of_a_newer_release_does_not_part_a_study_from_its_trials(beginning):
    old = begin_sweep("tiny", None, beginning(SPACE))
    document = old.beginning.document()
    del document["base"]["model"]["ema_decay"]
    old.study.set_user_attr("beginning", document)
    begin_sweep("tiny", None, beginning(SPACE))
    found = find_sweep("tiny", None).beginning
    assert found.document() == beginning(SPACE).document()


@pytest.mark.parametrize("change", [{"base": {"nonsense": 1}}, {"space": {}}, {"data": None}])
def test_a_study_of_another_release_is_told_as_one(beginning, change):
    document = beginning(SPACE).document() | change
    if change == {"data": None}:
        del document["data"]
    with pytest.raises(TrainingError, match="may be of another release: begin a new sweep"):
        Beginning.read(document)


def test_a_sweep_that_is_not_there(beginning, tmp_path):
    with pytest.raises(ConfigError, match=r"no sweep tiny in sweeps/tiny/study\.db: begin it"):
        find_sweep("tiny", None)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["", "a/b", "..", "Ünï", "-x"])
def test_a_name_that_is_none_for_a_folder(beginning, name, tmp_path):
    with pytest.raises(ConfigError, match="give lower-case letters"):
        begin_sweep(name, None, beginning(SPACE))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("url", ["nonsense", "sweeps.db", "oracle9://x", "://"])
def test_an_address_of_no_database(beginning, url):
    with pytest.raises(ConfigError) as error:
        begin_sweep("tiny", url, beginning(SPACE))
    assert str(error.value).startswith(f"storage={url} is no address of a database")


def test_a_driver_that_is_not_installed(beginning):
    with pytest.raises(ConfigError) as error:
        begin_sweep("tiny", "mysql+mysqldb://me:secret@host/sweeps", beginning(SPACE))
    assert "needs a driver that is not installed" in str(error.value)
    assert "mysql+mysqldb://me:***@host/sweeps" in str(error.value)


def test_a_database_that_cannot_be_reached(beginning, tmp_path):
    url = f"sqlite:///{tmp_path}/no/folder/study.db"
    with pytest.raises(TrainingError) as error:
        begin_sweep("tiny", url, beginning(SPACE))
    assert f"storage={url} cannot be used (unable to open database file)" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_that_is_no_database(beginning, tmp_path):
    (tmp_path / "study.db").write_bytes(b"photographs" * 1000)
    with pytest.raises(TrainingError, match="file is not a database"):
        begin_sweep("tiny", "sqlite:///study.db", beginning(SPACE))


def test_changes_are_told_but_not_all_of_them(beginning):
    begin_sweep("tiny", None, beginning(SPACE))
    base = replace(
        TrainConfig(), seed=2, trainer=TrainerConfig(max_epochs=77, batch_size=3, patience=9)
    )
    with pytest.raises(ConfigError, match="and 1 more"):
        begin_sweep("tiny", None, beginning(SPACE, base))
