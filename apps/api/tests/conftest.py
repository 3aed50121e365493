"""`api` as a real process, in a folder of its own."""

import sys

import pytest
from serving.server import Api, make_version, publish


@pytest.fixture(scope="session")
def bundle(tmp_path_factory):
    return make_version(tmp_path_factory.mktemp("bundle") / "1", 1)


@pytest.fixture(scope="module")
def start_api(tmp_path_factory, bundle):
    """`start_api(NAME=value, ...)`: an `Api` that serves version 1; nothing is measured for it."""
    made = []

    def start(**environment):
        usual = {"SCHEDULING": "single", "LOG": "0", "ACCESS_LOG": "1"}
        usual = {f"MLOPSPROJ_API_{name}": value for name, value in usual.items()}
        api = Api(tmp_path_factory.mktemp("api"), usual | environment)
        made.append(api)
        publish(str(api.folder / "registry"), bundle, "production")
        return api.start()

    yield start
    for api in made:
        api.kill()
        api.client.close()
        sys.stderr.write(f"--- {api.folder.name} said:\n{api.stderr()[-6000:]}\n")


@pytest.fixture(scope="module")
def api(start_api):
    """One process with every setting left alone, which tests leave as it is."""
    return start_api(MLOPSPROJ_API_LOG="1")


@pytest.fixture
def settings(monkeypatch):
    """Settings of an environment: `settings(NAME=value, ...)`."""
    from mlopsproj_api.settings import ApiSettings

    def read(**environment):
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        return ApiSettings.read()

    return read


@pytest.fixture(autouse=True)
def no_settings(monkeypatch):
    import os

    for name in list(os.environ):
        if name.startswith("MLOPSPROJ_") or name == "PORT":
            monkeypatch.delenv(name)
