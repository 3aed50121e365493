import mlopsproj_monitoring
import pytest


@pytest.mark.parametrize("name", mlopsproj_monitoring.__all__)
def test_every_public_name_is_there(name):
    assert getattr(mlopsproj_monitoring, name).__name__ == name


def test_other_names_are_not():
    with pytest.raises(AttributeError, match="nothing"):
        _ = mlopsproj_monitoring.nothing
