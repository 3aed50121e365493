import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from mlopsproj_evaluation.corruptions.draws import Draws


def test_the_stream_is_the_same_on_every_machine():
    draws = Draws("a" * 64, "fog", 1, 0)
    assert draws.sixteen_bits(2, 3).tolist() == [[33332, 22662, 37279], [3420, 58061, 60042]]
    assert draws.fraction() == 2801 / 65536


@given(st.text(), st.text(), st.integers(1, 5), st.integers())
def test_the_same_key_draws_the_same(image_id, corruption, severity, seed):
    key = image_id.encode("utf-8", "replace").decode(), corruption.encode("utf-8", "replace")
    one, other = (Draws(key[0], key[1].decode(), severity, seed) for _ in range(2))
    assert (one.sixteen_bits(5, 7) == other.sixteen_bits(5, 7)).all()
    assert one.direction() == other.direction()


def test_every_part_of_the_key_counts():
    keys = [("a", "fog", 1, 0), ("b", "fog", 1, 0), ("a", "snow", 1, 0), ("a", "fog", 2, 0)]
    drawn = {Draws(*key).sixteen_bits(4).tobytes() for key in [*keys, ("a", "fog", 1, 1)]}
    assert len(drawn) == 5


def test_numbers_are_uniform():
    drawn = Draws("a" * 64, "fog", 1, 0).sixteen_bits(100_000)
    assert drawn.dtype == np.uint16
    counts = np.bincount(drawn >> 12, minlength=16)
    assert abs(counts - 6250).max() < 5 * 6250**0.5


def test_a_direction_is_a_unit_vector_and_every_quadrant_is_met():
    vectors = np.array([Draws(str(number), "fog", 1, 0).direction() for number in range(200)])
    assert np.allclose((vectors**2).sum(axis=1), 1)
    quadrants = np.bincount((vectors[:, 0] > 0) * 2 + (vectors[:, 1] > 0), minlength=4)
    assert quadrants.min() > 20
