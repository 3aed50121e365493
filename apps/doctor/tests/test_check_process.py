import sys
from types import ModuleType

import pytest
from mlopsproj_core.errors import RegistryError
from mlopsproj_doctor.check_process import examined
from mlopsproj_doctor.findings import State, ok


@pytest.fixture
def check(monkeypatch):
    """Puts a function in the place of a check."""

    def put(examine):
        module = ModuleType("mlopsproj_doctor.stand_in")
        module.examine = examine
        monkeypatch.setitem(sys.modules, module.__name__, module)
        return examined("stand_in")

    return put


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (RegistryError("cannot be listed"), "cannot be listed"),
        (ZeroDivisionError("by nought"), "ZeroDivisionError: by nought"),
        (OSError(5, "Input/output error"), "Input/output error"),
        (ImportError("libgomp.so.1"), "libgomp"),
    ],
)
def test_a_check_that_fails_says_so_after_what_it_found(check, error, words):
    def examine():
        yield ok("first", "well")
        raise error

    begun, first, last = check(examine)
    assert begun is None
    assert first == ok("first", "well")
    assert (last.name, last.state) == ("stand_in", State.FAIL)
    assert words in last.text


def test_a_check_that_cannot_be_imported_says_so():
    (finding,) = examined("no_such_check")
    assert finding.state is State.FAIL
    assert "no_such_check" in finding.text
