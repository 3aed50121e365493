from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlopsproj_data.labelling.candidates import Candidate, Candidates
from mlopsproj_data.labelling.selection import STRANGE, UNCERTAIN, select


def candidate(name, *, margin=0.5, ood_score=0.0, embedding=(1.0, 0.0)) -> Candidate:
    return Candidate(
        str(name),
        datetime(2026, 11, 1, tzinfo=UTC),
        str(name),
        f"/images/{name}",
        margin,
        ood_score,
        np.asarray(embedding, np.float16),
    )


def candidates(*found, margins=(), ood_scores=()) -> Candidates:
    margins = margins or [each.margin for each in found]
    scores = ood_scores or [each.ood_score for each in found]
    return Candidates(
        tuple(found), np.sort(margins), np.sort(scores), len(found), labelled=0, without_image=0
    )


def at(angle: float) -> tuple[float, float]:
    return float(np.cos(angle)), float(np.sin(angle))


def names(selected) -> list[str]:
    return [each.candidate.prediction_id for each in selected]


def test_the_most_uncertain_or_strangest_comes_first():
    log = np.linspace(0.1, 1, 100).tolist()
    chosen = select(
        candidates(
            candidate("sure", margin=0.9, ood_score=0.1, embedding=at(0)),
            candidate("torn", margin=0.0, ood_score=0.1, embedding=at(1)),
            candidate("alien", margin=0.9, ood_score=0.99, embedding=at(2)),
            margins=log,
            ood_scores=log,
        ),
        3,
    )
    assert names(chosen) == ["torn", "alien", "sure"]
    assert [each.reason for each in chosen[:2]] == [UNCERTAIN, STRANGE]
    assert chosen[0].share == 1.0
    assert chosen[1].share == pytest.approx(0.98, abs=0.011)


def test_images_that_are_alike_wait_for_those_that_are_not():
    crowd = [candidate(f"a{i}", margin=0.0, embedding=at(0.01 * i)) for i in range(20)]
    other = [candidate("b", margin=0.2, embedding=at(1.5))]
    log = np.linspace(0, 1, 101).tolist()
    chosen = select(candidates(*crowd, *other, margins=log), 3)
    assert "b" in names(chosen[:2])


def test_near_copies_are_taken_once_however_large_they_are():
    copies = [candidate(f"a{i}", embedding=(1.0 + i, 0.0)) for i in range(5)]
    chosen = select(candidates(*copies, candidate("b", embedding=(0.0, 1.0))), 10)
    assert len(chosen) == 2


def test_embeddings_and_scores_that_are_no_numbers_do_no_harm():
    chosen = select(
        candidates(
            candidate("a", ood_score=np.nan, embedding=(np.nan, np.inf)),
            candidate("b", ood_score=2.0, embedding=(1.0, 0.0)),
            ood_scores=[1.0, 2.0],
        ),
        5,
    )
    assert sorted(names(chosen)) == ["a", "b"]
    assert all(np.isfinite([each.share, each.distance]).all() for each in chosen)


def test_nothing_is_selected_of_nothing():
    assert select(candidates(), 5) == ()


@given(
    st.lists(
        st.tuples(st.floats(0, 1), st.floats(-5, 5), st.floats(0, 6.28)), min_size=1, max_size=30
    ),
    st.integers(1, 40),
)
def test_each_is_selected_once_and_always_the_same_way(rows, count):
    found = [
        candidate(f"{i:02}", margin=margin, ood_score=score, embedding=at(angle))
        for i, (margin, score, angle) in enumerate(rows)
    ]
    chosen = select(candidates(*found), count)
    assert len(set(names(chosen))) == len(chosen) <= min(count, len(found))
    assert names(select(candidates(*found), count)) == names(chosen)
    assert all(0 <= each.share <= 1 and 0 < each.distance <= 2 for each in chosen)
