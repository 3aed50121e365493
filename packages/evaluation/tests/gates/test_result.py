import json

import pytest
from mlopsproj_evaluation import GateResult, Verdict, overall


def result(verdict):
    return GateResult("gate", verdict, "figure", "limit", "detail")


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        (["pass", "pass"], "pass"),
        (["pass", "undecided"], "undecided"),
        (["undecided", "fail"], "fail"),
        (["fail", "pass"], "fail"),
        (["off", "pass"], "pass"),
        (["off", "undecided"], "undecided"),
        (["off"], "undecided"),
        ([], "undecided"),
    ],
)
def test_the_worst_gate_decides_and_no_gate_decides_nothing(verdicts, expected):
    assert overall(result(Verdict(verdict)) for verdict in verdicts) is Verdict(expected)


def test_a_result_is_ready_for_json():
    values = result(Verdict.undecided).as_dict()
    assert json.loads(json.dumps(values)) == {
        "name": "gate",
        "verdict": "undecided",
        "figure": "figure",
        "limit": "limit",
        "detail": "detail",
    }
