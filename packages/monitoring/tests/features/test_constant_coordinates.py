import numpy as np
from mlopsproj_monitoring.features.constant_coordinates import ConstantCoordinates


def drawn(seed, images=300):
    return np.random.default_rng(seed).normal(size=(images, 12)).astype(np.float32)


def test_a_coordinate_that_never_differs_is_strange_where_it_does():
    values = drawn(1)
    values[:, 3] = 0.5
    asked = drawn(2, 4)
    asked[:, 3] = [0.5, 0.5001, 0.9, 40]
    assert ConstantCoordinates.fit(values).is_strange(asked).tolist() == [False, False, True, True]


def test_where_every_coordinate_differs_nothing_is_strange():
    found = ConstantCoordinates.fit(drawn(1))
    assert not found.is_strange(drawn(2, 4) + 100).any()


def test_where_all_are_alike_whatever_differs_is_strange():
    found = ConstantCoordinates.fit(np.ones((100, 4), np.float32))
    asked = np.array([[1, 1, 1, 1], [1, 1, 1, 2]], np.float32)
    assert found.is_strange(asked).tolist() == [False, True]


def test_what_is_no_number_counts_as_zero():
    found = ConstantCoordinates.fit(np.zeros((100, 2), np.float32))
    assert found.is_strange(np.array([[0, np.nan], [0, np.inf]], np.float32)).tolist() == [
        False,
        True,
    ]
