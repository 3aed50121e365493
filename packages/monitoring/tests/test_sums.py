import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlopsproj_core.errors import DataError
from mlopsproj_monitoring import DriftDetector

SUMS = ("images", "vectors", "events", "measured", "known", "predicted", "labelled")


@pytest.fixture(scope="module")
def detector(make_reference):
    return DriftDetector(make_reference(1, 300))


def assert_same(one, other):
    for name in SUMS:
        assert np.allclose(getattr(one, name), getattr(other, name), rtol=1e-6, atol=1e-5), name
    assert one.correct == other.correct


@settings(max_examples=30)
@given(
    seed=st.integers(0, 10**6),
    images=st.integers(1, 300),
    cuts=st.lists(st.integers(0, 300), max_size=5),
)
def test_parts_in_any_order_add_up_to_the_whole(make_sample, detector, seed, images, cuts):
    sample = make_sample(seed, images, labelled=True)
    whole = detector.accumulator()
    whole.add(sample)
    order = np.random.default_rng(seed).permutation(images)
    parts = np.split(order, sorted(min(cut, images) for cut in cuts))
    merged = detector.accumulator()
    for part in parts:
        sums = detector.accumulator()
        sums.add(sample.take(part))
        merged.merge(sums)
    assert_same(merged, whole)
    assert len(merged) == images


def test_many_images_at_once_are_summed_in_parts(make_sample, detector):
    sample = make_sample(3, 12_000)
    whole, parts = detector.accumulator(), detector.accumulator()
    whole.add(sample)
    for rows in np.split(np.arange(12_000), 6):
        parts.add(sample.take(rows))
    assert_same(whole, parts)


def test_what_is_known_is_summed(make_sample, detector):
    sample = make_sample(2, 100, labelled=True)
    sums = detector.accumulator()
    sums.add(sample)
    answers = sample.probabilities.argmax(axis=1)
    assert sums.labelled.sum() == 100
    assert sums.correct == (answers == np.array(sample.labels)).sum()
    assert sums.predicted.tolist() == np.bincount(answers, minlength=3).tolist()
    assert sums.measured[0] == pytest.approx(sample.statistics["brightness"].sum())


@pytest.mark.parametrize("asked", [{"classes": 7}, {"dimensions": 4}])
def test_images_of_another_model_are_refused(make_sample, detector, asked):
    with pytest.raises(DataError, match="answered by another model"):
        detector.accumulator().add(make_sample(1, 10, **asked))


def test_sums_by_another_reference_are_refused(make_reference, detector):
    with pytest.raises(DataError, match="two references"):
        detector.accumulator().merge(DriftDetector(make_reference(2, 300)).accumulator())
