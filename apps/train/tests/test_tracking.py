import socket

import pytest
import wandb
from mlopsproj_core.errors import TrainingError
from mlopsproj_train.config import LoggerConfig, WandbMode
from mlopsproj_train.tracking import check_tracking, send_results, tracking

OFFLINE = LoggerConfig(wandb=WandbMode.offline)
ONLINE = LoggerConfig(wandb=WandbMode.online)


@pytest.fixture(autouse=True)
def _no_account(monkeypatch, tmp_path):
    """Nobody is logged in, whoever runs the tests."""
    for name in ("WANDB_API_KEY", "WANDB_BASE_URL", "WANDB_MODE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("WANDB_SILENT", "true")
    monkeypatch.setenv("NETRC", str(tmp_path / "no-netrc"))
    monkeypatch.setenv("WANDB_CONFIG_DIR", str(tmp_path / "wandb-config"))
    wandb.teardown()  # it reads the environment once
    yield
    wandb.teardown()


@pytest.fixture
def closed_port():
    with socket.socket() as taken:  # bound, but nobody listens
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def test_the_shared_run_was_mirrored_offline(trained):
    (file,) = (trained.folder.path / "wandb").glob("offline-run-*/*.wandb")
    content = file.read_bytes()
    for text in (b"val/accuracy", b"figures/confusion_matrix", b"tiny"):
        assert text in content


def test_a_run_that_goes_on_keeps_its_id(tmp_path):
    for _ in range(2):
        with tracking(OFFLINE, tmp_path, "abc123", {"seed": 1}) as tracker:
            assert tracker.experiment.id == "abc123"
            assert tracker.experiment.name == tmp_path.name
            tracker.log_metrics({"val/accuracy": 0.5}, step=1)
    files = list(tmp_path.glob("wandb/offline-run-*/run-abc123.wandb"))
    assert files
    assert wandb.run is None


def test_a_run_that_fails_is_closed(tmp_path):
    with pytest.raises(ZeroDivisionError), tracking(OFFLINE, tmp_path, "abc123", {}):
        raise ZeroDivisionError
    # Else the next run of a multirun would write into this one.
    assert wandb.run is None


def test_where_it_is_disabled_there_is_none(tmp_path):
    config = LoggerConfig(wandb=WandbMode.disabled)
    check_tracking(config)
    with tracking(config, tmp_path, "abc123", {}) as tracker:
        assert tracker is None
    assert not list(tmp_path.iterdir())


def test_offline_asks_for_neither_key_nor_network(monkeypatch, closed_port):
    monkeypatch.setenv("WANDB_BASE_URL", f"http://127.0.0.1:{closed_port}")
    check_tracking(OFFLINE)


def test_online_without_a_key_is_refused():
    with pytest.raises(TrainingError, match="needs a W&B account: run `wandb login`, or use"):
        check_tracking(ONLINE)


def test_online_without_a_network_is_refused(monkeypatch, closed_port):
    monkeypatch.setenv("WANDB_API_KEY", "0123456789" * 4)
    monkeypatch.setenv("WANDB_BASE_URL", f"http://127.0.0.1:{closed_port}")
    with pytest.raises(TrainingError, match=rf"cannot reach 127\.0\.0\.1:{closed_port}.*offline"):
        check_tracking(ONLINE)


def test_online_with_a_key_and_a_network_is_let_through(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setenv("WANDB_API_KEY", "0123456789" * 4)
        monkeypatch.setenv("WANDB_BASE_URL", f"http://127.0.0.1:{server.getsockname()[1]}")
        check_tracking(ONLINE)


def test_a_run_that_cannot_be_opened_is_told_with_the_mend(tmp_path):
    with (
        pytest.raises(TrainingError, match=r"W&B cannot open the run.*use logger=offline"),
        tracking(OFFLINE, tmp_path, "no/slash", {}),
    ):
        pytest.fail("it was opened")


def test_results_that_are_not_taken_are_logged(trained, tmp_path, caplog):
    with tracking(OFFLINE, tmp_path, "abc123", {}) as tracker:
        wandb.finish()
        send_results(tracker, [], trained.folder.bundle, "tiny")
    (record,) = [r for r in caplog.records if r.name == "mlopsproj_train.tracking"]
    assert record.levelname == "WARNING"
    assert str(trained.folder.path) in record.getMessage()
