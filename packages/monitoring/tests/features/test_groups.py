import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from mlopsproj_monitoring.features.bins import RARE
from mlopsproj_monitoring.features.groups import Groups, category_numbers


@given(st.lists(st.integers(0, 40), min_size=1, max_size=200))
def test_every_group_is_frequent_and_what_is_left_over_is_not(counts):
    counts = np.array(counts)
    groups = Groups.fit(counts)
    images = np.bincount(groups.of_category, weights=counts, minlength=groups.count + 1)
    assert (images[: groups.count] >= RARE).all()
    assert images[groups.count] < RARE
    frequent = groups.of_category[counts >= RARE]
    for group in frequent:
        assert (groups.of_category == group).sum() == 1


def test_numbers_are_the_categories_groups():
    groups = Groups.fit(np.array([50, 4, 20, 7, 1]))
    assert groups.count == 3
    assert groups.numbers(np.array([0, 1, 2, 3, 4])).tolist() == [0, 2, 1, 2, 3]


def test_texts_are_numbered_by_what_is_known():
    assert category_numbers(["RGB", "L", "P"], ["L", "RGB"]).tolist() == [1, 0, 2]
