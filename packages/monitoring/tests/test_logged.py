from dataclasses import replace

import numpy as np
import pytest
from mlopsproj_monitoring.logged import logged
from mlopsproj_records import FeedbackRecord, uuid7

CLASSES = {"c0": 0, "c1": 1, "c2": 2}


@pytest.fixture
def page(database, make_predictions, make_sample):
    """Twenty predictions, the first two with feedback."""
    records = make_predictions(make_sample(1, 20))
    said = [
        FeedbackRecord(uuid7(), records[row].id, label, "ann", records[row].time)
        for row, label in ((0, "c2"), (1, "no such class"))
    ]
    database.insert([*records, *said])
    (page,) = database.pages()
    return page


def test_what_was_logged_is_read_again(page, make_sample):
    sample = make_sample(1, 20)
    found = logged(page, CLASSES, 6)
    assert found.skipped == {}
    assert list(found.rows) == list(range(20))
    assert (found.sample.probabilities == sample.probabilities).all()
    assert (found.sample.embedding == sample.embedding).all()
    assert (found.sample.ood_score == sample.ood_score).all()
    assert (found.sample.statistics["contrast"] == sample.statistics["contrast"]).all()
    assert found.sample.mode == sample.mode


def test_labels_are_numbers_of_classes_and_others_are_counted(page):
    found = logged(page, CLASSES, 6)
    assert found.sample.labels == [2, None, *[None] * 18]
    assert found.strange_labels == 1


def test_predictions_of_another_model_are_left_out_and_counted_by_reason(page):
    probabilities, embeddings = list(page.probabilities), list(page.embeddings)
    probabilities[3] = np.ones(7, "<f4").tobytes()
    probabilities[4] = np.array([np.nan, 0, 1], "<f4").tobytes()
    embeddings[5] = embeddings[6] = np.ones(4, "<f2").tobytes()
    found = logged(replace(page, probabilities=probabilities, embeddings=embeddings), CLASSES, 6)
    assert found.skipped == {
        "7 probabilities instead of 3": 1,
        "an embedding of 4 numbers instead of 6": 2,
        "probabilities that are no numbers": 1,
    }
    assert list(found.rows) == [0, 1, 2, *range(7, 20)]
    assert found.sample.ids == [page.ids[row] for row in found.rows]


def test_a_page_of_strangers_is_an_empty_sample(page):
    found = logged(page, {"a": 0, "b": 1}, 6)
    assert len(found.sample) == 0
    assert sum(found.skipped.values()) == 20
