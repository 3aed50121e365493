import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlopsproj_monitoring.features.groups import ALONE, FEWEST, Groups, category_numbers


@given(st.lists(st.integers(0, 40), min_size=1, max_size=200))
def test_every_group_is_frequent_and_what_is_left_over_is_not(counts):
    counts = np.array(counts)
    groups = Groups.fit(counts)
    images = np.bincount(groups.of_category, weights=counts, minlength=groups.count + 1)
    assert (images[: groups.count] >= FEWEST).all()
    assert images[groups.count] <= counts[counts < ALONE].sum()
    for group in groups.of_category[counts >= ALONE]:
        assert (groups.of_category == group).sum() == 1


def test_numbers_are_the_categories_groups():
    groups = Groups.fit(np.array([50, 14, 30, 7, 1]))
    assert groups.count == 3
    assert groups.numbers(np.array([0, 1, 2, 3, 4])).tolist() == [0, 2, 1, 2, 2]


def test_what_hardly_an_image_shows_is_rare():
    groups = Groups.fit(np.array([4, 50, 3]))
    assert groups.numbers(np.array([0, 1, 2])).tolist() == [1, 0, 1]
    assert groups.count == 1


def test_texts_are_numbered_by_what_is_known():
    assert category_numbers(["RGB", "L", "P"], ["L", "RGB"]).tolist() == [1, 0, 2]


@pytest.mark.parametrize(("classes", "images"), [(400, 1000), (166, 400)])
def test_many_rare_categories_have_the_alarm_rate_that_is_asked_for(classes, images):
    """Each class is shown five or twelve times on average: which are more often is chance."""
    rows, repeats, shares = 2000, 150, np.full(classes, 1 / classes)
    rng = np.random.default_rng(11)
    alarms = 0
    for _ in range(repeats):
        counts = rng.multinomial(rows, shares)
        groups = Groups.fit(counts)

        def of_groups(shown, groups=groups):
            found = np.bincount(groups.of_category, weights=shown, minlength=groups.count + 1)
            return found[:-1].astype(int)

        before = of_groups(counts)
        drawn = rng.multivariate_hypergeometric(before, images, size=200, method="marginals")
        null = hellinger(drawn, before - drawn, images, before.sum() - images)
        found = hellinger(of_groups(rng.multinomial(images, shares)), before, images, rows)
        alarms += found > np.quantile(null, 0.8)
    assert alarms / repeats < 0.3  # 0.2 is right; it was 0.4


def hellinger(window, reference, images, rows):
    """The distance, without its noise's growth."""
    roots = np.sqrt(window / images) - np.sqrt(reference / rows)
    return np.sqrt((roots**2).sum(axis=-1) / (1 / images + 1 / rows))
