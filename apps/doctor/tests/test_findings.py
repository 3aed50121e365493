import pytest
from mlopsproj_doctor.findings import State, fail, ok, warn, worst

FINE, ODD, BROKEN = ok("a", "well"), warn("b", "odd"), fail("c", "broken", "mend it")


@pytest.mark.parametrize(
    ("findings", "state"),
    [
        ([], State.OK),
        ([FINE], State.OK),
        ([FINE, ODD, FINE], State.WARN),
        ([ODD, BROKEN, FINE], State.FAIL),
    ],
)
def test_the_worst_counts(findings, state):
    assert worst(findings) is state
