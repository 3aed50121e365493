import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlopsproj_core.errors import ConfigError
from mlopsproj_evaluation.gates import GATES, GateLimits
from mlopsproj_evaluation.gates.limits import SWITCHABLE

LOSSES = ["margin", "class_margin", "calibration_margin", "robustness_margin"]
AMOUNTS = ["size_ratio", "latency_ratio", "latency_seconds"]


def test_every_gate_but_that_of_the_bundle_may_be_off():
    assert sorted(SWITCHABLE) == sorted(GATES)


@pytest.mark.parametrize("name", LOSSES)
@given(value=st.floats().filter(lambda value: not 0 <= value < 1))
def test_a_loss_that_cannot_be_used(name, value):
    told = f"{name}={re.escape(str(value))}: give the loss .* from 0 to below 1, e.g. 0\\."
    with pytest.raises(ConfigError, match=told):
        GateLimits(**{name: value})


@pytest.mark.parametrize("name", AMOUNTS)
@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf")])
def test_an_amount_that_cannot_be_used(name, value):
    with pytest.raises(ConfigError, match=f"{name}={value}: give more than 0, e.g. "):
        GateLimits(**{name: value})


@pytest.mark.parametrize("name", ["speed", "bundle", ""])
def test_a_gate_that_cannot_be_off(name):
    with pytest.raises(ConfigError, match=f"without={name}: no such gate .* data, parity"):
        GateLimits(without=("size", name))


def test_what_is_given_counts_more_than_the_environment_and_that_more_than_the_default():
    environment = {
        "MLOPSPROJ_GATE_MARGIN": "0.03",
        "MLOPSPROJ_GATE_SIZE_RATIO": "2",
        "MLOPSPROJ_GATE_LATENCY_RATIO": "  ",
        "MLOPSPROJ_GATE_WITHOUT": "latency, size",
        "MARGIN": "0.9",
    }
    limits = GateLimits.from_environment(
        environment, without=("data",), margin=0.01, size_ratio=None
    )
    assert limits == GateLimits(margin=0.01, size_ratio=2.0, without=("latency", "size", "data"))
    assert GateLimits.from_environment({}) == GateLimits()


def test_a_variable_that_is_no_number_is_named():
    with pytest.raises(ConfigError, match="MLOPSPROJ_GATE_CLASS_MARGIN=ten: give a number"):
        GateLimits.from_environment({"MLOPSPROJ_GATE_CLASS_MARGIN": "ten"})


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("MARGIN", "1.5", "MLOPSPROJ_GATE_MARGIN cannot be used. margin=1.5: give the loss"),
        ("SIZE_RATIO", "-1", "MLOPSPROJ_GATE_SIZE_RATIO cannot be used. size_ratio=-1.0: give"),
        ("WITHOUT", "size,speed", "MLOPSPROJ_GATE_WITHOUT cannot be used. without=speed: no such"),
        ("MARGINS", "1", "no variable MLOPSPROJ_GATE_MARGINS: MLOPSPROJ_GATE_MARGIN is meant"),
        ("LATENCY", "", "no variable MLOPSPROJ_GATE_LATENCY: MLOPSPROJ_GATE_LATENCY_RATIO is"),
        ("SKIP", "size", "There is no variable MLOPSPROJ_GATE_SKIP: MLOPSPROJ_GATE_"),
    ],
)
def test_a_variable_that_cannot_be_used_is_named(name, value, told):
    """Also where the command gives another value: elsewhere the variable would count."""
    with pytest.raises(ConfigError, match=re.escape(told)):
        GateLimits.from_environment({f"MLOPSPROJ_GATE_{name}": value}, margin=0.1, size_ratio=1.0)


def test_what_is_looser_is_told():
    usual = GateLimits(margin=0.01, without=("size",))
    assert usual.looser_than(usual) == ()
    assert GateLimits(without=("size",)).looser_than(usual) == ()
    longer = GateLimits(latency_seconds=60, without=("size",))
    assert longer.looser_than(usual) == ()
    loose = GateLimits(
        margin=0.99, latency_ratio=9, without=("size", "accuracy", "classes", "accuracy")
    )
    assert loose.looser_than(usual) == (
        "without accuracy, classes",
        "margin 0.99 instead of 0.01",
        "latency_ratio 9 instead of 1.25",
    )
