import pytest
from mlopsproj_core.errors import GateRefusedError, UndecidedError
from mlopsproj_evaluation import GateResult, Verdict, overall
from mlopsproj_evaluation.promotion import Promotion
from mlopsproj_registry.gate_views import print_gates, refusal

LONG = "because " * 40 + "of this"


def promotion(version, *gates):
    return Promotion(version, None, overall(gates), gates, None)


def result(name, verdict, detail="why"):
    return GateResult(name, Verdict(verdict), "figure", "limit", detail)


def test_gates_are_shown_whole_where_there_is_no_terminal(shop, capsys):
    gates = (
        GateResult("bundle", Verdict.passed, "7 files", "all verified", LONG),
        GateResult("parity", Verdict.failed, "[/b]", "0", "no"),
        GateResult("accuracy", Verdict.undecided, "none", "0", "unknown"),
        GateResult("latency", Verdict.off, "none", "none", "switched off"),
    )
    print_gates(promotion(shop.publish(), *gates))
    shown = capsys.readouterr().out
    assert "brightness:1 first of its alias" in shown
    for text in (LONG, "[/b]", "pass", "fail", "undecided", "off"):
        assert text in shown
    assert "points at" not in shown


@pytest.mark.parametrize(
    ("verdicts", "kind", "told", "mend"),
    [
        ({"size": "fail", "latency": "fail"}, GateRefusedError, "gate size, latency.", "--force"),
        ({"size": "fail", "accuracy": "undecided"}, GateRefusedError, "gate size.", "--force"),
        ({"bundle": "fail"}, GateRefusedError, "gate bundle.", "never promoted"),
        ({"classes": "undecided"}, UndecidedError, "(classes)", "--accept-undecided REASON"),
    ],
)
def test_a_refusal_names_the_gates_and_the_mend(shop, verdicts, kind, told, mend):
    gates = [result(name, verdict) for name, verdict in verdicts.items()]
    error = refusal(promotion(shop.publish(), *gates), "shadow")
    assert type(error) is kind
    assert str(error).startswith("brightness@shadow stays where it is")
    assert told in str(error)
    assert mend in str(error)
    assert ("--force" in str(error)) == (mend == "--force")
