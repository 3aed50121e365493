import pytest
import torch
from mlopsproj_data.portions import images_at_once


@pytest.mark.parametrize(("shape", "most"), [((128, 28, 28, 1), 334), ((9, 1024, 1024, 3), 1)])
def test_a_portion_fits_the_cache_and_is_never_empty(shape, most):
    assert images_at_once(torch.empty(shape, dtype=torch.uint8)) == most


@pytest.mark.parametrize("count", [0, 1, 50])
def test_all_at_once_where_there_is_no_such_cache(count):
    assert images_at_once(torch.empty((count, 8, 8, 3), device="meta")) == max(1, count)
