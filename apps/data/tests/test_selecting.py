"""Predictions selected, labelled by a person and told, as a user does it."""

import csv
import json

import pytest
from labelled_log import LabelledLog, random_png
from mlopsproj_core.registry import Registry
from mlopsproj_records import Database
from small_bundle import make_small_bundle


@pytest.fixture
def log(tmp_path, monkeypatch) -> LabelledLog:
    """Twenty predictions, surer and surer; the log and the registry of the environment."""
    log = LabelledLog(tmp_path / "log", model="brightness")
    for number in range(20):
        first = 0.5 + number / 50
        log.predict(
            random_png(number),
            probabilities=(first, 1 - first),
            embedding=(number, 1.0),
            ood_score=1.0,
        )
    monkeypatch.setenv("MLOPSPROJ_DATABASE_URL", log.url)
    monkeypatch.setenv("MLOPSPROJ_REGISTRY_URL", str(tmp_path / "registry"))
    Registry(str(tmp_path / "registry")).publish(make_small_bundle(tmp_path / "bundle"))
    return log


def fill_in(table, label) -> list[str]:
    """Label the first three rows; their predictions."""
    with table.open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    for row in rows[:3]:
        row["label"] = label
    with table.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=";")
        writer.writeheader()
        writer.writerows(rows)
    return [row["prediction_id"] for row in rows[:3]]


def test_from_the_log_to_labels_and_back(run, log, tmp_path):
    listed = json.loads(run("select", "--count", "5", "--json").out)
    assert listed["model"] == "brightness:1"
    assert (listed["predictions"], listed["labelled"], len(listed["selected"])) == (20, 0, 5)
    assert listed["selected"][0]["margin"] == 0

    shown = run("select", "--count", "5", "--export", "to-label")
    assert shown.code == 0, shown.err
    assert "next   uv run data label to-label/labels.csv" in shown.out
    assert len(list((tmp_path / "to-label" / "images").iterdir())) == 5
    assert (tmp_path / "to-label" / "index.html").exists()

    ids = fill_in(tmp_path / "to-label" / "labels.csv", "dark")
    told = run("label", "to-label/labels.csv", "--actor", "anna")
    assert told.code == 0, told.err
    assert "told   3 (dark 3)" in told.out
    assert "data.add=[feedback]" in told.out
    with Database(log.url) as database:
        said = {each: database.prediction(each).feedback for each in ids}
    assert {(each.label, each.actor) for each in said.values()} == {("dark", "anna")}
    again = json.loads(run("label", "to-label/labels.csv", "--json").out)
    assert again == {"told": 0, "labels": {}, "blank": 2, "known": 3}
    after = json.loads(run("select", "--count", "20", "--json").out)
    assert after["labelled"] == 3
    assert not set(ids) & {row["prediction_id"] for row in after["selected"]}


def test_a_label_that_is_no_class_is_refused_by_name(run, log, tmp_path):
    run("select", "--count", "5", "--export", "to-label")
    fill_in(tmp_path / "to-label" / "labels.csv", "drak")
    refused = run("label", "to-label/labels.csv")
    assert (refused.code, refused.out) == (1, "")
    for text in ("'drak' is no class of brightness:1", "dark, bright", "--new-classes"):
        assert text in refused.err
    assert run("label", "to-label/labels.csv", "--new-classes").code == 0


def test_without_the_registry_labels_are_not_taken_unchecked(run, log, tmp_path, monkeypatch):
    run("select", "--count", "5", "--export", "to-label")
    fill_in(tmp_path / "to-label" / "labels.csv", "dark")
    monkeypatch.setenv("MLOPSPROJ_REGISTRY_URL", str(tmp_path / "elsewhere"))
    refused = run("label", "to-label/labels.csv")
    assert refused.code == 1
    assert "MLOPSPROJ_REGISTRY_URL" in refused.err


def test_images_that_are_gone_are_counted(run, log, tmp_path):
    (first, *_) = json.loads(run("select", "--count", "5", "--json").out)["selected"]
    (tmp_path / "log" / first["image"]).unlink()
    answer = json.loads(run("select", "--count", "5", "--export", "out", "--json").out)
    assert answer["export"]["images"] == 4
    assert answer["export"]["left_out"] == {first["prediction_id"]: "it is gone"}


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("--model", "other"), 1, "holds no predictions of other"),
        (("--model", "brightness:7"), 1, "only of brightness:1"),
        (("--model", "brightness:x"), 2, "give NAME or NAME:VERSION"),
        (("--since", "2027-01-01"), 1, "no predictions in this time"),
        (("--since", "yesterday"), 2, "--since"),
        (("--count", "0"), 2, "--count"),
        (("--export", "log"), 1, "not empty"),
    ],
)
def test_bad_input_is_told_once(run, log, arguments, code, told):
    ended = run("select", *arguments)
    assert (ended.code, ended.out) == (code, "")
    assert told in ended.err
    assert ended.err.lower().count("error: ") == 1


def test_of_several_models_one_is_named_and_of_several_versions_the_last_is_meant(run, log):
    log.predict(random_png(99), version=2)
    assert log.url
    assert json.loads(run("select", "--json").out)["model"] == "brightness:2"
    asked = json.loads(run("select", "--model", "brightness:1", "--json").out)
    assert asked["predictions"] == 20
    log.predict(random_png(98), model="other")
    assert log.url
    ended = run("select")
    assert ended.code == 2
    assert "(brightness, other): name one by --model brightness" in ended.err


def test_without_any_image_the_settings_are_named(run, log, tmp_path, monkeypatch):
    unkept = LabelledLog(tmp_path / "unkept")
    unkept.predict(random_png(0), kept=False)
    monkeypatch.setenv("MLOPSPROJ_DATABASE_URL", unkept.url)
    ended = run("select")
    assert ended.code == 1
    for text in (
        "of 1 the image is not kept",
        "MLOPSPROJ_IMAGE_LOG_URL",
        "MLOPSPROJ_API_IMAGE_SHARE",
    ):
        assert text in ended.err
