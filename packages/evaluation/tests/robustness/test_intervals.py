import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlopsproj_evaluation.robustness.intervals import (
    added_variance,
    difference_interval,
    share_interval,
)

shares = st.lists(st.floats(0, 1), min_size=1, max_size=60).map(np.array)
differences = st.lists(st.floats(-1, 1), min_size=1, max_size=60).map(np.array)


@given(shares)
def test_the_interval_of_a_share_has_a_width_and_holds_it(values):
    found = share_interval(values)
    assert 0 <= found.low <= found.value <= found.high <= 1
    assert found.low < found.high
    assert found.value == pytest.approx(values.mean())


@given(differences)
def test_the_bounds_of_a_difference_hold_it_and_mirror(values):
    low, high = difference_interval(values)
    assert -1 <= low <= values.mean() + 1e-12
    assert values.mean() - 1e-12 <= high <= 1
    assert low < high
    assert difference_interval(-values) == pytest.approx((-high, -low))


def test_with_no_image_every_difference_is_possible():
    assert difference_interval(np.array([])) == (-1, 1)


def test_of_yes_and_no_it_is_the_one_of_agresti_and_coull():
    """Two successes and two failures added, here with t in place of the normal distribution."""
    found = share_interval(np.repeat([1.0, 0.0], [900, 100]))
    share = 902 / 1004
    half = 1.96 * (share * (1 - share) / 1004) ** 0.5
    assert (found.low, found.high) == pytest.approx((share - half, share + half), abs=2e-4)


@pytest.mark.parametrize("images", [10, 40, 300])
@pytest.mark.parametrize("mean", [0.5, 0.9, 0.98])
@pytest.mark.parametrize("spread", [0.3, 3, 1000], ids=["all or nothing", "clustered", "alike"])
def test_a_share_is_inside_about_nineteen_times_in_twenty(images, mean, spread):
    """Images with shares of their own, seen in fifteen outcomes each that are not independent."""
    rng = np.random.default_rng(0)
    of_image = rng.beta(spread * mean, spread * (1 - mean), (1500, images))
    seen = rng.binomial(15, of_image) / 15
    inside = [f.low <= mean <= f.high for f in map(share_interval, seen)]
    assert np.mean(inside) > 0.935


@pytest.mark.parametrize(
    ("images", "loss"),
    [
        pytest.param(150, lambda rng, size: -rng.binomial(1, 0.02, size), id="whole images, few"),
        pytest.param(1000, lambda rng, size: -rng.binomial(1, 0.02, size), id="whole images"),
        pytest.param(
            300,
            lambda rng, size: (rng.binomial(15, 0.29, size) - rng.binomial(15, 0.31, size)) / 15,
            id="outcomes to and fro",
        ),
        pytest.param(60, lambda rng, size: rng.normal(-0.02, 0.05, size), id="a little of each"),
    ],
)
def test_a_model_on_the_margin_passes_about_one_time_in_twenty_at_most(images, loss):
    drawn = loss(np.random.default_rng(1), (3000, images))
    passed = [difference_interval(values)[0] >= -0.02 for values in drawn]
    assert np.mean(passed) < 0.07


def test_images_that_all_agree_prove_a_margin_only_in_numbers():
    """Like the rule of three: none lost of 150 still allows for 2 of 100."""
    found = [difference_interval(np.zeros(images))[0] for images in (1, 20, 100, 150, 1000)]
    assert found == sorted(found)
    assert found[0] < -0.6
    assert found[2] < -0.02 < found[3]


def test_the_variance_of_images_that_all_agree_is_that_of_the_two_that_are_added():
    assert added_variance(np.zeros(98)) == pytest.approx(0.02)
