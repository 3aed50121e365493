import os
import subprocess
import sys
import threading

import pytest
from mlopsproj_core.errors import (
    ConfigError,
    GateRefusedError,
    NotFoundError,
    ServingError,
    UndecidedError,
)
from mlopsproj_core.registry import Registry
from mlopsproj_serving.administration import Administration
from mlopsproj_serving.background import LOW
from mlopsproj_serving.http.problem_kinds import INTERNAL
from mlopsproj_serving.http.problems import kind_of
from shop import Shop, right
from webhook import serving as webhook_serving


@pytest.fixture
def shop(tmp_path):
    return Shop(Registry(str(tmp_path / "registry")), tmp_path / "scratch")


@pytest.fixture
def promote(shop):
    def promote_(reference, event_url="log:", **settings):
        return Administration(shop.registry, event_url=event_url).promote(
            reference,
            **{
                "alias": "production",
                "actor": "ada",
                "reason": "promoted",
                **settings,
            },
        )

    return promote_


def test_a_better_version_is_promoted_and_told(shop, promote):
    shop.put(shop.publish(right(700, 1000)))
    shop.publish(right(900, 1000))
    with webhook_serving() as webhook:
        promotion = promote("brightness:2", event_url=webhook.url)
    assert promotion.moved.version == shop.pointed_at() == 2
    assert (promotion.moved.actor, promotion.moved.reason) == ("ada", "promoted")
    (event,) = webhook.told
    assert (event["type"], event["version"]) == ("model-promoted", 2)


def test_a_worse_one_is_refused_with_what_the_gate_found(shop, promote):
    shop.put(shop.publish(right(900, 1000)))
    shop.publish(right(600, 1000))
    with pytest.raises(GateRefusedError, match=r"stays where it is.*accuracy: -30\.00 points"):
        promote("brightness:2")
    assert shop.pointed_at() == 1


def test_too_little_evidence_needs_a_reason(shop, promote):
    shop.put(shop.publish(right(80, 100)))
    shop.publish(right(79, 100))
    with pytest.raises(UndecidedError, match="accept_undecided"):
        promote("brightness:2")
    assert shop.pointed_at() == 1
    promotion = promote("brightness:2", accept_undecided="looked at by hand")
    assert promotion.moved.reason.endswith("looked at by hand")


def test_what_is_there_already_or_not_at_all(shop, promote):
    shop.put(shop.publish())
    with pytest.raises(ConfigError, match="already"):
        promote("brightness:1")
    with pytest.raises(NotFoundError):
        promote("brightness:7")


def test_one_version_back(shop):
    for _ in range(2):
        shop.put(shop.publish())
    administration = Administration(shop.registry, event_url="log:")
    name, move = administration.roll_back(
        "brightness", alias="production", actor="ada", reason="dark"
    )
    assert (name, move.version, move.rollback, move.actor) == ("brightness", 1, True, "ada")
    with pytest.raises(NotFoundError):
        administration.roll_back("brightness", alias="production", actor="ada", reason="dark")


def test_aliases_and_those_that_cannot_be_read(shop, tmp_path):
    shop.put(shop.publish())
    shop.put(shop.publish(), "shadow")
    (tmp_path / "registry/brightness/aliases/shadow/9.json").write_text("{")
    moves, unreadable = Administration(shop.registry, event_url="log:").aliases("brightness")
    assert {alias: move.version for alias, move in moves.items()} == {"production": 1}
    assert "9.json" in unreadable["shadow"]


def test_a_refused_version_is_forced_with_a_reason(shop, promote):
    shop.put(shop.publish(right(900, 1000)))
    shop.publish(right(600, 1000))
    with pytest.raises(GateRefusedError, match=r"Promote against it by `force`"):
        promote("brightness:2")
    promotion = promote("brightness:2", force="the old one is unlawful")
    assert promotion.moved.reason.endswith(": the old one is unlawful")


def test_what_is_broken_is_not_forced(shop, promote):
    shop.damage(shop.publish(), "model.onnx")
    with pytest.raises(GateRefusedError) as refused:
        promote("brightness:1", force="I know better")
    assert "force" not in str(refused.value)


def test_limits_are_those_of_the_environment_unless_given(shop, promote, monkeypatch):
    shop.put(shop.publish(right(900, 1000)))
    shop.publish(right(880, 1000))
    monkeypatch.setenv("MLOPSPROJ_GATE_MARGIN", "0.05")
    monkeypatch.setenv("MLOPSPROJ_GATE_WITHOUT", "calibration")
    with pytest.raises(GateRefusedError, match="accuracy"):
        promote("brightness:2", margin=0.01)
    gates = {gate.name: gate.verdict.value for gate in promote("brightness:2").gates}
    assert (gates["accuracy"], gates["calibration"]) == ("pass", "off")


def test_gates_that_are_not_asked(shop, promote):
    shop.put(shop.publish(right(900, 1000)))
    shop.publish(right(600, 1000))
    off = ("accuracy", "classes", "calibration")
    assert promote("brightness:2", without=off).moved is not None
    with pytest.raises(ConfigError, match="no such gate"):
        promote("brightness:1", without=("speed",))


def test_what_judges_is_imported_when_it_is_asked_for():
    code = (
        "import sys, mlopsproj_serving.routes.admin, mlopsproj_serving.administration\n"
        "print(*sorted({'mlopsproj_evaluation', 'scipy', 'pyarrow'} & sys.modules.keys()))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == []


def test_a_variable_that_cannot_be_used_is_not_the_caller_s_mistake(shop, promote, monkeypatch):
    shop.publish()
    monkeypatch.setenv("MLOPSPROJ_GATE_MARGIN", "ten")
    with pytest.raises(ServingError, match="MLOPSPROJ_GATE_MARGIN=ten: give a number") as told:
        promote("brightness:1")
    assert kind_of(told.value) is INTERNAL
    monkeypatch.delenv("MLOPSPROJ_GATE_MARGIN")
    with pytest.raises(ConfigError, match="without=speed"):
        promote("brightness:1", without=["speed"])


def test_limits_that_are_looser_than_the_environment_s_are_told(shop, promote, monkeypatch):
    shop.publish()
    monkeypatch.setenv("MLOPSPROJ_GATE_MARGIN", "0.05")
    promotion = promote("brightness:1", margin=0.2, without=["size"])
    assert promotion.moved.reason == "promoted; without size; margin 0.2 instead of 0.05"


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere niceness belongs to the process")
def test_a_version_is_judged_at_low_priority(shop, promote, monkeypatch):
    from mlopsproj_evaluation import promotion

    def priority():
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    found, promote_version = [], promotion.promote_version

    def promote_(*given, **settings):
        found.append(priority())
        return promote_version(*given, **settings)

    monkeypatch.setattr(promotion, "promote_version", promote_)
    shop.publish()
    here = priority()
    promote("brightness:1")
    assert found == [LOW] or here > LOW
    assert priority() == here


def test_without_the_extra_no_alias_moves_and_it_is_said_how_else(shop, promote, monkeypatch):
    shop.put(shop.publish(right(700, 1000)))
    shop.publish(right(900, 1000))
    for module in ("mlopsproj_evaluation.gates", "mlopsproj_evaluation.promotion"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ServingError, match=r"extra `promotion`.*command `registry`"):
        promote("brightness:2")
    with pytest.raises(ServingError, match="extra `promotion`"):
        Administration(shop.registry, event_url="log:").roll_back(
            "brightness", alias="production", actor="ada", reason="back"
        )
    assert shop.pointed_at() == 1
