"""Bundles, registries, and `api` as a real process; what it said is shown where a test fails."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from mlopsproj_core import Bundle
from serving.server import Api, make_version, publish

SHOWN_CHARACTERS = 6000


@pytest.fixture(scope="session")
def bundles(tmp_path_factory) -> dict[int, Bundle]:
    """Four versions of a model; each tells its number by its probabilities."""
    folder = tmp_path_factory.mktemp("bundles")
    return {number: make_version(folder / str(number), number) for number in (1, 2, 3, 4)}


@contextmanager
def serving_from(folder: Path, bundles) -> Iterator[Callable[..., Api]]:
    """Makes `Api`s whose registry holds version 1 in production, and ends them."""
    made: list[Api] = []

    def make(**environment: str) -> Api:
        api = Api(folder / f"api-{len(made)}", environment)
        publish(str(api.folder / "registry"), bundles[1], "production")
        made.append(api)
        return api

    try:
        yield make
    finally:
        for api in made:
            api.kill()
            api.client.close()
            # pytest shows it beside a failure, and only there.
            sys.stderr.write(f"--- {api.folder.name} said:\n{api.stderr()[-SHOWN_CHARACTERS:]}\n")


@pytest.fixture
def make_api(tmp_path, bundles):
    """`make_api(NAME=value, ...)`: not started yet, in a folder of its own."""
    with serving_from(tmp_path, bundles) as make:
        yield make


@pytest.fixture(scope="module")
def shared_api(tmp_path_factory, bundles) -> Iterator[Api]:
    """One that runs for all tests of a file, which leave it as it is."""
    with serving_from(tmp_path_factory.mktemp("shared"), bundles) as make:
        yield make(MLOPSPROJ_API_LOG="0").start()
