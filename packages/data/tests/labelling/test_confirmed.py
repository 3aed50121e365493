from datetime import timedelta

import pytest
from labelled_log import LabelledLog
from mlopsproj_data.labelling import confirmed
from mlopsproj_data.labelling.confirmed import models_with_feedback, read_confirmations
from mlopsproj_records import Database


@pytest.fixture
def log(tmp_path) -> LabelledLog:
    return LabelledLog(tmp_path / "log")


def read(log, **options):
    with Database(log.url) as database:
        return read_confirmations(database, "made", **options)


@pytest.mark.parametrize("page", [1, 3, 1000])
def test_every_label_is_read_whatever_the_size_of_a_page(log, monkeypatch, page):
    monkeypatch.setattr(confirmed, "_PAGE", page)
    ids = {log.confirm(str(number).encode(), "dark") for number in range(7)}
    log.predict(b"unlabelled")
    read_back = read(log)
    assert {image.prediction_id for image in read_back.images} == ids
    assert read_back.predictions == 7


def test_the_latest_of_a_prediction_then_of_an_image_counts(log):
    first = log.confirm(b"image", "dark")
    second = log.confirm(b"image", "bright", actor="ben", version=2)
    last = log.tell(first, "grey", actor="eve")
    (image,) = read(log).images
    assert (image.label, image.actor, image.time) == ("grey", "eve", last)
    assert (image.prediction_id, image.version) == (first, 1)
    assert read(log).contradicting == (image.sha256,)
    log.tell(second, "grey")
    assert read(log).contradicting == ()


def test_what_is_told_later_than_asked_for_is_as_if_it_were_not(log):
    first = log.confirm(b"image", "dark")
    until = log.now + timedelta(seconds=1)
    log.tell(first, "bright")
    log.confirm(b"other", "bright")
    (image,) = read(log, until=until).images
    assert image.label == "dark"
    with Database(log.url) as database:
        assert models_with_feedback(database, until=log.now - timedelta(days=9)) == ()
        assert models_with_feedback(database) == ("made",)


def test_feedback_without_its_prediction_is_passed_over(log):
    log.tell("no such prediction", "dark")
    assert read(log).images == ()


def test_a_label_is_one_line_as_the_name_of_a_class_must_be(log):
    log.confirm(b"image", "photo\u202egpj")
    log.confirm(b"other", "two\u2028lines")
    labels = {image.label for image in read(log).images}
    assert labels == {r"photo\u202egpj", r"two\u2028lines"}
