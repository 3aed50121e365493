import socket

import pytest
import wandb
from mlopsproj_core.errors import MirrorError
from mlopsproj_mirror import Service, Target, push

TARGET = Target("team", "model")


@pytest.fixture
def closed_port():
    with socket.socket() as taken:  # bound, but nobody listens
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def test_without_a_key_it_says_where_to_put_one(server, fresh_sdk, monkeypatch):
    monkeypatch.delenv("WANDB_API_KEY")
    with pytest.raises(MirrorError, match=r"no key for W&B .*: set WANDB_API_KEY, or run"):
        Service(TARGET)
    assert server.asked == []


@pytest.mark.parametrize("key", ["f" * 40, "short"])
def test_a_wrong_key_is_told_at_once(server, fresh_sdk, monkeypatch, key):
    monkeypatch.setenv("WANDB_API_KEY", key)
    with pytest.raises(MirrorError, match="did not take the key; check WANDB_API_KEY"):
        Service(TARGET)


def test_without_a_network_it_is_told_at_once(fresh_sdk, monkeypatch, closed_port):
    monkeypatch.setenv("WANDB_API_KEY", "f" * 40)
    monkeypatch.setenv("WANDB_BASE_URL", f"http://127.0.0.1:{closed_port}")
    with pytest.raises(
        MirrorError, match=rf"cannot be reached at http://127\.0\.0\.1:{closed_port}"
    ):
        Service(TARGET)


@pytest.mark.slow
def test_a_server_that_never_answers_is_given_up(fresh_sdk, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("WANDB_API_KEY", "f" * 40)
        monkeypatch.setenv("WANDB_BASE_URL", f"http://127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(MirrorError, match="no usable answer in 20 seconds"):
            Service(TARGET)


def test_a_model_that_was_never_mirrored_has_no_members(service):
    assert service.members("digits") == []


def test_a_refusal_is_not_taken_for_an_absent_collection(service, server):
    server.refuse = lambda name: 403 if name == "ProjectArtifactCollection" else None
    with pytest.raises(MirrorError, match="did not look for wandb-registry-model/digits"):
        service.members("digits")


def test_a_team_without_an_organization_is_told(server):
    service = Service(Target("others", "model"))
    with pytest.raises(MirrorError, match="organization for entity 'others'"):
        service.members("digits")


def test_it_speaks_through_the_sdk_that_is_installed(service):
    assert isinstance(service._api, wandb.Api)


@pytest.mark.usefixtures("fresh_sdk")
@pytest.mark.parametrize("mode", ["offline", "disabled"])
def test_a_mode_that_is_for_runs_does_not_hinder_it(shop, there, monkeypatch, mode):
    monkeypatch.setenv("WANDB_MODE", mode)
    shop.put(shop.publish())
    push(shop.registry, Service(TARGET))
    assert there.pointed_at() == {"production": 1}


@pytest.mark.usefixtures("no_account", "fresh_sdk")
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WANDB_BASE_URL", "http://ada:secret@somewhere:port"),
        ("WANDB_BASE_URL", "ftp://ada:secret@somewhere"),
        ("WANDB_BASE_URL", "nowhere"),
        ("WANDB_MODE", "sometimes"),
    ],
)
def test_a_variable_that_the_sdk_cannot_use_is_named_alone(monkeypatch, name, value):
    monkeypatch.setenv("WANDB_API_KEY", "f" * 40)
    monkeypatch.setenv(name, value)
    with pytest.raises(MirrorError, match=f"cannot use {name}. Correct it") as told:
        Service(TARGET)
    assert value not in str(told.value)
    assert told.value.__suppress_context__
