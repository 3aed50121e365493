"""The repository's workflows, and the scripts that they call, for tests of both."""

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / "infra" / "github"
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


@pytest.fixture(scope="session")
def root():
    return ROOT


@pytest.fixture
def script():
    """A script of infra/github by its name, as a module."""

    def load(name):
        spec = importlib.util.spec_from_file_location(name, SCRIPTS / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load


def pytest_generate_tests(metafunc):
    if "workflow" in metafunc.fixturenames:
        metafunc.parametrize("workflow", WORKFLOWS, ids=[path.stem for path in WORKFLOWS])
