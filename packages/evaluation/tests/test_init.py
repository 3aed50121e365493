import subprocess
import sys

import mlopsproj_evaluation
import pytest


@pytest.mark.parametrize("name", mlopsproj_evaluation.__all__)
def test_every_public_name_is_there(name):
    assert getattr(mlopsproj_evaluation, name).__module__.startswith("mlopsproj_evaluation.")


def test_a_name_that_is_not_there_is_told():
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = mlopsproj_evaluation.nothing


@pytest.mark.parametrize(
    ("statement", "absent"),
    [
        ("import mlopsproj_evaluation", {"matplotlib", "pyarrow", "scipy"}),
        ("from mlopsproj_evaluation import judge", {"matplotlib"}),
        ("from mlopsproj_evaluation import Scores", {"matplotlib", "onnxruntime"}),
    ],
)
def test_an_import_loads_only_what_is_used(statement, absent):
    code = f"import sys\n{statement}\nprint(*sorted({absent!r} & sys.modules.keys()))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == []
