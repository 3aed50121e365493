from hypothesis import given
from hypothesis import strategies as st
from mlopsproj_train.optimizing.figures import pareto_front

points = st.lists(st.tuples(st.floats(0, 100), st.floats(0, 1)), min_size=1, max_size=20)


@given(points, st.booleans())
def test_the_front_is_what_none_beats_in_both(found, larger):
    front = pareto_front(found, larger_is_better=larger)
    sign = 1 if larger else -1

    def beats(one, other):
        better = (sign * one[0] >= sign * other[0], one[1] >= other[1])
        return all(better) and one != other

    assert front == sorted(front)
    assert set(front) == {one for one in found if not any(beats(other, one) for other in found)}
