import subprocess
import sys

import mlopsproj_mirror
import pytest


@pytest.mark.parametrize("name", mlopsproj_mirror.__all__)
def test_every_public_name_is_there(name):
    assert getattr(mlopsproj_mirror, name).__module__.startswith("mlopsproj_mirror.")


def test_a_name_that_is_not_there_is_told():
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = mlopsproj_mirror.nothing


def test_the_sdk_is_not_loaded_before_it_is_used():
    code = (
        "import sys\nfrom mlopsproj_mirror import mirror_changes, pull, push\n"
        "print(*sorted({'wandb', 'torch', 'matplotlib'} & sys.modules.keys()))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == []
