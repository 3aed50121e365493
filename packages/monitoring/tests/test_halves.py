from uuid import uuid4

import numpy as np
from mlopsproj_monitoring.halves import halves


def test_halves_are_about_as_large_and_by_the_id_alone():
    ids = [str(uuid4()) for _ in range(4000)]
    found = halves(ids)
    assert abs(found.mean() - 0.5) < 0.05
    assert np.array_equal(halves(ids[::-1]), found[::-1])
