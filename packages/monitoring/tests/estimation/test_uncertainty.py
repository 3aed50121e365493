import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlopsproj_monitoring.estimation.uncertainty import Uncertainty


def groups(count, *, floor, growth, images=200, clean=0.9, seed=0):
    """Estimates whose faults are as they are said to be; clean images were beyond number."""
    rng = np.random.default_rng(seed)
    estimates = rng.uniform(0.3, clean, count)
    deviations = np.sqrt(
        estimates * (1 - estimates) / images
        + floor**2
        + growth**2 * (clean - estimates) * estimates
    )
    return {
        "estimates": estimates,
        "errors": rng.normal(0, deviations),
        "images": np.full(count, float(images)),
    }


def test_faults_are_found_as_large_as_they_are():
    found = Uncertainty.fit(0.9, 10**9, **groups(4000, floor=0.03, growth=0.4))
    assert found.floor == pytest.approx(0.03, rel=0.2)
    assert found.growth == pytest.approx(0.4, rel=0.1)
    assert found.quantile == pytest.approx(1.96, abs=0.08)


@pytest.mark.parametrize(("floor", "growth"), [(0.01, 0.05), (0.05, 0.0), (0.02, 0.8)])
def test_an_interval_holds_nineteen_times_in_twenty(floor, growth):
    """Learnt from as few groups as a bundle has; windows are of another size."""
    held = []
    for seed in range(60):
        found = Uncertainty.fit(0.9, 10**9, **groups(75, floor=floor, growth=growth, seed=seed))
        others = groups(40, floor=floor, growth=growth, images=1000, seed=seed + 99)
        for estimate, error in zip(others["estimates"], others["errors"], strict=True):
            low, high = found.interval(float(estimate), 1000)
            truth = estimate - error
            held.append(low <= truth <= high or not 0 <= truth <= 1)
    assert 0.91 < np.mean(held) < 0.995


def test_few_groups_say_nothing_of_faults():
    found = Uncertainty.fit(0.9, 300, **groups(5, floor=0.0, growth=0.0))
    assert found == Uncertainty.assumed(0.9, 300)


@settings(max_examples=200)
@given(
    estimate=st.floats(0, 1),
    images=st.integers(1, 10**7),
    found=st.builds(
        Uncertainty,
        clean=st.floats(0, 1),
        taught=st.integers(1, 5000),
        floor=st.floats(0, 1),
        growth=st.floats(0, 3),
        quantile=st.floats(1.9, 5),
    ),
)
def test_an_interval_holds_its_estimate_and_stays_within_bounds(estimate, images, found):
    low, high = found.interval(estimate, images)
    assert 0 <= low <= estimate <= high <= 1
    assert low < high


def test_more_images_help_up_to_the_faults():
    found = Uncertainty(0.9, 10**9, 0.02, 0.3, 2.0)
    widths = [np.subtract(*found.interval(0.6, images)[::-1]) for images in (100, 1000, 10**9)]
    assert widths == sorted(widths, reverse=True)
    assert widths[-1] == pytest.approx(4 * np.sqrt(0.02**2 + 0.3**2 * 0.3 * 0.6), rel=1e-3)


def test_who_was_taught_with_few_clean_images_is_less_sure():
    few, many = (Uncertainty.assumed(0.9, taught).interval(0.9, 10**9) for taught in (100, 10000))
    assert few[1] - few[0] == pytest.approx(2 * 1.96 * 0.03, rel=0.1)
    assert many[1] - many[0] == pytest.approx(2 * 1.96 * 0.003, rel=0.1)
