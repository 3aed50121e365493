import subprocess
import sys

import mlopsproj_serving
import pytest


@pytest.mark.parametrize("name", mlopsproj_serving.__all__)
def test_every_name_of_the_package_is_found(name):
    assert getattr(mlopsproj_serving, name).__name__ == name


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="Nothing"):
        _ = mlopsproj_serving.Nothing


def test_importing_the_package_imports_nothing_heavy():
    heavy = "{'fastapi', 'numpy', 'onnxruntime', 'pydantic'}"
    code = f"import sys, mlopsproj_serving; print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
