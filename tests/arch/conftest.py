"""What the tests of the repository's own shape share: its root and its members."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Member:
    """A member of the workspace: its folder and what its `pyproject.toml` says."""

    folder: Path
    settings: dict[str, Any]

    @property
    def name(self) -> str:
        return self.settings["project"]["name"]

    @property
    def source(self) -> Path:
        return self.folder / "src" / self.name.replace("-", "_")

    def __str__(self) -> str:
        return self.name


def _members() -> list[Member]:
    files = sorted([*ROOT.glob("packages/*/pyproject.toml"), *ROOT.glob("apps/*/pyproject.toml")])
    return [Member(file.parent, tomllib.loads(file.read_text())) for file in files]


def pytest_generate_tests(metafunc):
    if "member" in metafunc.fixturenames:
        metafunc.parametrize("member", _members(), ids=str)


@pytest.fixture(scope="session")
def root():
    return ROOT


@pytest.fixture(scope="session")
def members():
    return _members()


@pytest.fixture(scope="session")
def workspace():
    """What the root's `pyproject.toml` says."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text())
