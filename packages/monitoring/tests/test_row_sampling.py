import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlopsproj_monitoring.row_sampling import RowSampling


@settings(max_examples=30)
@given(
    seed=st.integers(0, 10**6),
    images=st.integers(1, 400),
    cuts=st.lists(st.integers(0, 400), max_size=6),
)
def test_parts_in_any_order_give_the_rows_of_the_whole(make_sample, seed, images, cuts):
    sample = make_sample(seed, images)
    whole = RowSampling(50)
    whole.add(sample)
    order = np.random.default_rng(seed).permutation(images)
    merged = RowSampling(50)
    for part in np.split(order, sorted(min(cut, images) for cut in cuts)):
        some = RowSampling(50)
        some.add(sample.take(part))
        merged.merge(some)
    assert len(whole.rows()) == min(50, images)
    assert list(whole.rows().ids) == list(merged.rows().ids)


def test_every_row_is_as_likely_as_any_other(make_sample):
    sample = make_sample(1, 40_000)
    sampling = RowSampling(5000)
    for rows in np.split(np.arange(40_000), 20):
        sampling.add(sample.take(rows))
    found = sampling.rows()
    place = {id_: row for row, id_ in enumerate(sample.ids)}
    rows = np.array([place[id_] for id_ in found.ids])
    # Of each quarter as many as of any other, within five standard deviations.
    quarters = np.bincount(rows // 10_000, minlength=4)
    assert quarters == pytest.approx([1250] * 4, abs=5 * np.sqrt(1250 * 0.75))


def test_of_nothing_there_is_no_row():
    assert RowSampling().rows() is None
