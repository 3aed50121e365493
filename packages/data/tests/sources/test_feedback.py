import csv
import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from labelled_log import LabelledLog, random_png
from mlopsproj_core.errors import ConfigError, DataError, RecordsError
from mlopsproj_data import DataConfig, prepare
from mlopsproj_data.config import Source, pinned
from mlopsproj_data.labelling.log_location import LogLocation
from mlopsproj_data.preparation import source_of
from mlopsproj_data.sources.recognition import open_source

MANY = 40


@pytest.fixture
def log(tmp_path) -> LabelledLog:
    return LabelledLog(tmp_path / "log")


@pytest.fixture
def config(tmp_path) -> DataConfig:
    return DataConfig(source=Source.feedback, prepared_dir=str(tmp_path / "prepared"))


def location(log: LabelledLog) -> LogLocation:
    return LogLocation(log.url)


def confirm_many(log, *, count=MANY, **options) -> list[bytes]:
    images = [random_png(seed, low=128 * (seed % 2)) for seed in range(count)]
    for seed, image in enumerate(images):
        log.confirm(image, ("dark", "bright")[seed % 2], **options)
    return images


def test_confirmed_predictions_become_a_prepared_data_set(log, config):
    confirm_many(log)
    dataset = prepare(config, log=location(log))
    assert (dataset.name, dataset.classes) == ("made", ("bright", "dark"))
    assert sum(dataset.counts.values()) == MANY
    assert all(dataset.counts.values())
    assert dataset.provenance["images"] == dataset.provenance["predictions"] == MANY
    assert dataset.provenance["left_out"] == {}
    with (dataset.folder / "provenance.csv").open(newline="") as file:
        rows = {row["content_id"]: row for row in csv.DictReader(file)}
    for split in dataset.counts:
        labelled, origins = dataset.labelled(split), dataset.table(split)["source"].to_pylist()
        for id_, label, origin in zip(labelled.ids, labelled.labels, origins, strict=True):
            assert rows[id_]["label"] == dataset.classes[label]
            assert rows[id_]["prediction_id"] in origin
            assert (rows[id_]["model"], rows[id_]["version"]) == ("made", "1")
            assert rows[id_]["actor"] == "anna"


def test_the_folder_is_a_table_of_paths_and_labels_for_anyone(log, config, tmp_path):
    confirm_many(log)
    dataset = prepare(config, log=location(log))
    folder = dataset.provenance["folder"]
    again = prepare(DataConfig(path=folder, prepared_dir=str(tmp_path / "other")))
    assert again.classes == dataset.classes
    assert sorted(again.labelled("test").ids) == sorted(dataset.labelled("test").ids)


def test_what_was_told_last_counts_for_a_prediction_and_for_an_image(log, config, caplog):
    confirm_many(log)
    corrected = log.confirm(random_png(1000), "dark")
    log.tell(corrected, "bright")
    log.confirm(random_png(1001), "dark")
    log.confirm(random_png(1001), "bright")
    source = source_of(config, log=location(log))
    labels = {record.image.stem: source.classes[record.label] for record in source.records()}
    assert source.count == len(labels) == MANY + 2
    for seed in (1000, 1001):
        assert labels[log.stored_file(random_png(seed)).stem] == "bright"
    # Of one prediction a label was corrected; of one image two predictions disagree.
    assert source.provenance.facts["contradicting"] == 1
    assert source.provenance.facts["predictions"] == MANY + 3
    assert "of 1 image several predictions were given different labels" in caplog.text


def test_images_that_cannot_be_had_are_counted_and_named(log, config, caplog):
    images = confirm_many(log)
    lost = log.confirm(random_png(1000), "dark", kept=False)
    log.stored_file(images[0]).unlink()
    whole = images[1]
    log.stored_file(images[1]).write_bytes(whole[: len(whole) // 2])
    log.stored_file(images[2]).unlink()
    source = source_of(config, log=location(log))
    facts = source.provenance.facts
    assert facts["left_out"] == {
        "it was not kept": 1,
        "it is gone": 2,
        "it was cut or changed": 1,
    }
    assert source.count == facts["images"] == MANY - 3
    assert lost in caplog.text or "and 1 more" in caplog.text
    assert "MLOPSPROJ_IMAGE_LOG_URL" in caplog.text
    assert "MLOPSPROJ_API_IMAGE_SHARE" in caplog.text
    (folder,) = (
        path for path in (source.provenance.table.parent.parent).glob("made-*") if path.is_dir()
    )
    left_out = json.loads((folder / "left_out.json").read_text())
    assert {row["reason"] for row in left_out} == set(facts["left_out"])
    assert lost in {row["prediction_id"] for row in left_out}
    # Whole images only, and no draft.
    assert len(list(folder.rglob("*.png"))) == MANY - 3
    assert not list(folder.parent.rglob("*.draft"))


def test_an_image_is_kept_if_any_of_its_predictions_kept_it(log, config):
    confirm_many(log)
    image = random_png(1000)
    log.confirm(image, "dark")
    log.confirm(image, "bright", kept=False)
    source = open_source(config, location(log))
    assert source.count == MANY + 1
    assert source.provenance.facts["left_out"] == {}


def test_a_store_that_was_moved_is_asked_where_it_is_now(log, config, tmp_path):
    confirm_many(log)
    (log.folder / "images").rename(tmp_path / "moved")
    with pytest.raises(DataError, match="it is gone: 40"):
        open_source(config, location(log))
    moved = LogLocation(log.url, str(tmp_path / "moved"))
    assert open_source(config, moved).count == MANY


def test_what_was_fetched_is_not_fetched_again(log, config, tmp_path):
    confirm_many(log)
    before = prepare(config, log=location(log))
    (log.folder / "images").rename(tmp_path / "away")
    after = prepare(config, log=location(log))
    assert after.folder == before.folder


def test_a_store_that_cannot_be_reached_is_an_error(log, config, monkeypatch):
    confirm_many(log)
    monkeypatch.setattr(
        "mlopsproj_core.local_files.LocalFiles.read",
        lambda self, path: (_ for _ in ()).throw(ConnectionError("refused")),
    )
    with pytest.raises(DataError, match=r"image store .* cannot be read"):
        open_source(config, location(log))


def test_without_any_feedback_there_is_one_clear_error(log, config):
    log.predict(random_png(0))
    with pytest.raises(DataError, match="holds no feedback: nobody has told") as raised:
        open_source(config, location(log))
    assert raised.value.exit_code == 1


def test_without_any_image_the_settings_are_named(log, config):
    confirm_many(log, count=3, kept=False)
    with pytest.raises(
        DataError, match=r"Of 3 labelled predictions of made no image.*MLOPSPROJ_IMAGE_LOG_URL"
    ):
        open_source(config, location(log))


def test_a_database_that_is_not_there_is_not_made(config, tmp_path):
    with pytest.raises(RecordsError, match="MLOPSPROJ_DATABASE_URL"):
        open_source(config, LogLocation(f"sqlite:///{tmp_path}/none.db"))
    assert not (tmp_path / "none.db").exists()


def test_of_several_models_one_is_named(log, config):
    confirm_many(log)
    log.confirm(random_png(1000), "cat", model="other")
    with pytest.raises(ConfigError, match=r"several models \(made, other\): .*feedback_model=made"):
        open_source(config, location(log))
    source = open_source(replace(config, feedback_model="made"), location(log))
    assert (source.name, source.classes) == ("made", ("bright", "dark"))
    with pytest.raises(DataError, match=r"no feedback about third, only about made, other"):
        open_source(replace(config, feedback_model="third"), location(log))


def test_a_name_that_leads_out_of_the_folder_is_refused(log, config, tmp_path):
    """The service writes none; a log that somebody sent may hold anything."""
    confirm_many(log, model="../../evil")
    with pytest.raises(DataError, match=r"about '\.\./\.\./evil', which is no name of a model"):
        prepare(config, log=location(log))
    assert not list(tmp_path.glob("evil*"))


def test_a_time_at_the_beginning_of_time_is_refused(log, config):
    with pytest.raises(ConfigError, match="is no time"):
        open_source(replace(config, feedback_until="0001-01-01T00:00:00+14:00"), location(log))


def test_what_is_left_out_is_told_once(log, config, caplog):
    confirm_many(log)
    log.confirm(random_png(1000), "dark", kept=False)
    prepare(config, log=location(log))
    assert caplog.text.count("cannot be learned from") == 1


def test_labels_that_are_told_later_change_nothing(log, config):
    confirm_many(log)
    changed = log.confirm(random_png(1000), "dark")
    now = pinned(config, log.tick())
    assert now.feedback_until == log.now.astimezone(UTC).isoformat()
    assert pinned(now, datetime.now(UTC)) == now
    before = prepare(now, log=location(log))
    log.tell(changed, "bright")
    log.confirm(random_png(1001), "bright")
    assert prepare(now, log=location(log)).fingerprint == before.fingerprint
    assert prepare(config, log=location(log)).fingerprint != before.fingerprint
    early = replace(config, feedback_until="2026-01-01")
    with pytest.raises(DataError, match="holds no feedback before 2026-01-01T00:00:00"):
        open_source(early, location(log))


def test_the_same_label_told_again_is_the_same_data(log, config):
    images = confirm_many(log)
    before = prepare(config, log=location(log))
    log.confirm(images[0], "dark", actor="ben")
    after = prepare(config, log=location(log))
    assert after.fingerprint == before.fingerprint


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"source": Source.sample, "feedback_model": "made"}, "takes no data.feedback_model"),
        ({"source": Source.sample, "new_classes": True}, "data.new_classes=true"),
        ({"new_classes": True}, "data.new_classes=true"),
        ({"path": "photos"}, "takes no data.path"),
        ({"add": ["feedback"]}, r"data.add=\[feedback\]"),
        ({"feedback_until": "noon"}, "data.feedback_until is 'noon', which is no time"),
    ],
)
def test_settings_of_no_effect_are_refused(log, config, settings, told):
    with pytest.raises(ConfigError, match=told):
        open_source(replace(config, **settings), location(log))


def test_a_log_is_needed(config):
    with pytest.raises(ConfigError, match="need a prediction log"):
        open_source(config)
