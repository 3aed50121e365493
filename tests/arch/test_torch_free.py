"""Only models, data[torch] and the train application bring or load torch."""

import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

HERE = Path(__file__).parent
WITH_TORCH = {"mlopsproj-models", "mlopsproj-train"}


def installs(name, extra="", seen=None):
    """Names of the distributions that installing `name` brings, itself among them."""
    seen = set() if seen is None else seen
    if (name, extra) in seen:
        return seen
    seen.add((name, extra))
    for text in metadata.requires(name) or []:
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
            for wanted in ("", *requirement.extras):
                installs(canonicalize_name(requirement.name), wanted, seen)
    return seen


def test_only_those_that_train_install_torch(member):
    brings = "torch" in {name for name, _ in installs(member.name)}
    assert brings == (member.name in WITH_TORCH)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    folder = tmp_path_factory.mktemp("small") / "bundle"
    subprocess.run([sys.executable, HERE.parent / "small_bundle.py", folder], check=True)
    return folder


def test_a_prediction_loads_no_torch(bundle, members):
    torch_free = [member for member in members if member.name not in WITH_TORCH]
    assert len(torch_free) == len(members) - len(WITH_TORCH)
    for member in torch_free:
        command = [HERE / "torch_free.py", bundle, member.source.name, "--only-loaded"]
        ended = subprocess.run(
            [sys.executable, *command], capture_output=True, text=True, check=False
        )
        assert ended.returncode == 0, ended.stderr
