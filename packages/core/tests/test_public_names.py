import ast
import json
import subprocess
import sys
from pathlib import Path

import mlopsproj_core
import pytest

HEAVY = {"PIL", "fsspec", "numpy", "onnxruntime", "pydantic", "pydantic_settings"}


def loaded_after(code: str) -> set[str]:
    """The heavy packages that a fresh interpreter holds after `code`."""
    code += "\nimport json, sys; print(json.dumps(sorted(sys.modules)))"
    command = [sys.executable, "-c", code]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    return HEAVY & set(json.loads(answer.stdout))


def test_importing_the_package_imports_nothing_else():
    assert loaded_after("import mlopsproj_core") == set()


def test_errors_and_commands_need_no_third_party():
    code = "from mlopsproj_core import MlopsprojError\nimport mlopsproj_core.command"
    assert loaded_after(code) == set()


def test_a_name_brings_only_what_it_needs():
    assert loaded_after("from mlopsproj_core import prepare_image") == {"PIL", "numpy"}
    assert "onnxruntime" not in loaded_after("from mlopsproj_core import Bundle, seal_bundle")
    assert "onnxruntime" in loaded_after("from mlopsproj_core import Predictor")


@pytest.mark.parametrize("name", mlopsproj_core.__all__)
def test_every_public_name_can_be_had(name):
    found = getattr(mlopsproj_core, name)
    assert found.__name__ == name
    assert found.__module__ == f"mlopsproj_core.{mlopsproj_core._MODULES[name]}"


def test_type_checkers_are_told_the_same_names():
    tree = ast.parse(Path(mlopsproj_core.__file__).read_text(encoding="utf-8"))
    told = {
        alias.asname: node.module.removeprefix("mlopsproj_core.")
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module.startswith("mlopsproj_core.")
        for alias in node.names
    }
    assert told == mlopsproj_core._MODULES


def test_a_star_import_gives_the_public_names():
    names = {}
    exec("from mlopsproj_core import *", names)
    assert set(mlopsproj_core.__all__) == set(names) - {"__builtins__"}


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(
        AttributeError, match="module 'mlopsproj_core' has no attribute 'Predicter'"
    ):
        _ = mlopsproj_core.Predicter
