import subprocess
import sys

import pytest
from mlopsproj_monitoring import triggers


@pytest.mark.parametrize("name", triggers.__all__)
def test_every_public_name_is_there(name):
    assert getattr(triggers, name)


def test_a_name_that_is_not_there_is_told():
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = triggers.nothing


def test_nothing_heavy_is_imported_for_them():
    code = (
        "import sys\nfrom mlopsproj_monitoring.triggers import RetrainingFlow, read_trigger\n"
        "assert not {'scipy', 'matplotlib', 'pandas'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
