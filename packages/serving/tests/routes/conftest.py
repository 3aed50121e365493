import pytest
from mlopsproj_records.log import LogConfig, PredictionLog


@pytest.fixture(scope="module")
def open_log(tmp_path_factory):
    """Opens a prediction log in a folder of its own: `open_log(**settings)`."""
    logs = []

    def opened(**settings):
        folder = tmp_path_factory.mktemp("log")
        settings = {"database_url": f"sqlite:///{folder}/log.db", **settings}
        log = PredictionLog(LogConfig(spool_dir=folder / "spool", **settings))
        logs.append(log)
        return log

    yield opened
    for log in logs:
        log.close()


@pytest.fixture(scope="module")
def logged(serve, open_log):
    """An application with a prediction log."""
    return serve(log=open_log())


@pytest.fixture(scope="module")
def away(serve, open_log, tmp_path_factory):
    """An application whose database cannot be reached: its folder is a file."""
    file = tmp_path_factory.mktemp("away") / "file"
    file.touch()
    return serve(log=open_log(database_url=f"sqlite:///{file}/log.db"))


@pytest.fixture
def predict(image):
    """Lets an application predict an image; the answer."""

    def asked(client, level=10):
        answer = client.post(
            "/v1/predict", content=image(level), headers={"content-type": "image/jpeg"}
        )
        assert answer.status_code == 200
        return answer

    return asked
