import tracemalloc
from datetime import timedelta

import numpy as np
import pytest
from labelled_log import BEGIN, LabelledLog
from mlopsproj_data.labelling.candidates import read_candidates
from mlopsproj_records import Database


@pytest.fixture
def log(tmp_path) -> LabelledLog:
    return LabelledLog(tmp_path / "log")


def image(number: int) -> bytes:
    return f"image {number}".encode()


def found(log, most=10, **options):
    with Database(log.url) as database:
        return read_candidates(database, "made", 1, most=most, **options)


def test_those_that_are_uncertain_and_those_that_are_strange_are_held(log):
    for number in range(50):
        first = 0.5 + number / 100
        log.predict(image(number), probabilities=(first, 1 - first), ood_score=float(number))
    candidates = found(log, most=3)
    margins = sorted(round(each.margin, 2) for each in candidates.found)
    assert margins == [0.0, 0.02, 0.04, 0.94, 0.96, 0.98]
    assert sorted(each.ood_score for each in candidates.found) == [0, 1, 2, 47, 48, 49]
    assert candidates.predictions == 50
    assert len(candidates.margins) == len(candidates.ood_scores) == 50


def test_what_cannot_or_need_not_be_labelled_is_counted(log):
    log.predict(image(0))
    log.predict(image(1), kept=False)
    log.confirm(image(2), "dark")
    log.predict(image(2))  # the same image, asked about once more
    log.confirm(image(3), "dark", kept=False)
    log.predict(image(4), model="other")
    log.predict(image(5), version=2)
    candidates = found(log)
    assert [each.image_url for each in candidates.found] == [str(log.stored_file(image(0)))]
    assert (candidates.predictions, candidates.labelled, candidates.without_image) == (5, 3, 1)


def test_an_image_that_comes_often_counts_once_at_its_best(log):
    for first in (0.9, 0.55, 0.7):
        log.predict(image(0), probabilities=(first, 1 - first))
    for number in range(1, 4):
        log.predict(image(number), probabilities=(0.8, 0.2))
    candidates = found(log, most=2)
    (often,) = [
        each for each in candidates.found if str(log.stored_file(image(0))) in each.image_url
    ]
    assert often.margin == pytest.approx(0.1, abs=1e-6)
    assert len({each.sha256 for each in candidates.found}) == len(candidates.found)


def test_only_the_time_that_was_asked_for_is_read(log):
    for number in range(10):
        log.predict(image(number))
    since, until = BEGIN + timedelta(minutes=3), BEGIN + timedelta(minutes=6)
    candidates = found(log, since=since, until=until)
    assert candidates.predictions == len(candidates.found) == 3
    assert all(since <= each.time < until for each in candidates.found)


def test_a_score_or_probabilities_that_are_no_numbers_are_passed_over(log):
    log.predict(image(0), ood_score=None)
    log.predict(image(1), probabilities=(np.nan, np.nan), ood_score=None)
    log.predict(image(2), ood_score=np.inf)
    candidates = found(log)
    assert {str(log.stored_file(image(number))) for number in (0, 2)} == {
        each.image_url for each in candidates.found
    }
    assert len(candidates.margins) == 2


def test_memory_does_not_grow_with_the_log(log):
    def peak() -> int:
        with Database(log.url) as database:
            tracemalloc.start()
            read_candidates(database, "made", 1, most=20)
            _, most = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            return most

    rng = np.random.default_rng(0)

    def grow(count: int) -> None:
        for _ in range(count):
            first = rng.uniform(0.5, 1)
            log.predict(
                rng.bytes(16),
                kept=False,
                probabilities=(first, 1 - first),
                embedding=rng.normal(size=64),
            )

    grow(4000)
    peak()  # what is imported and cached counts once
    few = peak()
    grow(12000)
    assert peak() < 1.5 * few
