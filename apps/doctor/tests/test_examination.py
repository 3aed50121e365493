import os
import signal
import sys
import time

import pytest
from mlopsproj_doctor.checks import Check
from mlopsproj_doctor.examination import examine
from mlopsproj_doctor.findings import State, fail, ok, warn

CHECK = Check("stand_in", 120.0, "See to it.")
READS = """
import sys
from types import ModuleType
module = ModuleType("mlopsproj_doctor.stand_in")
def examine():
    from mlopsproj_doctor.findings import ok, fail
{body}
module.examine = examine
sys.modules[module.__name__] = module
"""


@pytest.fixture
def check(tmp_path, monkeypatch):
    """Has processes find a check that these lines are the body of."""

    def put(*lines):
        body = "\n".join(f"    {line}" for line in lines)
        (tmp_path / "sitecustomize.py").write_text(READS.format(body=body))
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    return put


def found(*checks, timeout=None):
    return [list(group.findings) for group in examine(checks or [CHECK], timeout)]


def test_findings_come_through_as_they_are(check):
    check("yield ok('a', 'well')", "yield fail('b', 'brökén', 'mend')")
    assert found() == [[ok("a", "well"), fail("b", "brökén", "mend")]]


@pytest.mark.slow
def test_a_check_that_hangs_is_ended_and_what_it_found_is_kept(check):
    check("yield ok('a', 'well')", "import time; time.sleep(600)")
    begin = time.monotonic()
    assert found(timeout=10) == [
        [ok("a", "well"), fail("stand_in", "No answer within 10 seconds.", "See to it.")]
    ]
    assert time.monotonic() - begin < 100


@pytest.mark.slow
def test_a_check_that_goes_on_finding_is_not_ended(check):
    check("import time", "for name in 'abcde':", "    yield ok(name, 'well')", "    time.sleep(3)")
    assert len(found(timeout=10)[0]) == 5


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows knows no such signal")
def test_a_check_that_does_not_let_itself_be_ended_is_killed(check, tmp_path):
    check(
        "import os, signal, time",
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)",
        f"open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid()))",
        "yield ok('a', 'well')",
        "time.sleep(600)",
    )
    assert found(timeout=10)[0][0] == ok("a", "well")
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_what_a_process_does_after_its_last_word_is_not_waited_for(check, monkeypatch):
    check("import atexit, time; atexit.register(time.sleep, 600)", "yield ok('a', 'well')")
    assert found(timeout=120) == [[ok("a", "well")]]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows knows no such signal")
@pytest.mark.parametrize("name", ["SIGILL", "SIGKILL", "SIGSEGV"])
def test_a_check_whose_process_dies_says_by_what(check, name):
    check("yield ok('a', 'well')", f"import os, signal; os.kill(os.getpid(), signal.{name})")
    first, last = found()[0]
    assert first == ok("a", "well")
    assert last.state is State.FAIL
    assert name in last.text
    assert signal.Signals[name]


def test_a_check_that_ends_its_process_says_what_it_said_last(check):
    check("import sys; print('first', file=sys.stderr); sys.exit('the last word')", "yield")
    ((finding,),) = found()
    assert finding.state is State.FAIL
    assert "the last word" in finding.text


def test_what_a_library_prints_is_no_finding(check):
    check("print('hello'); print('5'); print('{}'); print('null')", "yield ok('a', 'well')")
    assert found() == [[ok("a", "well")]]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("two\nlines\tand  more", "two lines and more"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("\udcff bytes", "\\udcff bytes"),
    ],
)
def test_texts_are_made_such_that_any_terminal_shows_them(check, text, shown):
    check(f"yield ok('a', {text!r})")
    assert found() == [[ok("a", shown)]]


def test_secrets_are_hidden_whoever_tells_them(check, monkeypatch):
    monkeypatch.setenv("MLOPSPROJ_DATABASE_URL", "postgresql://app:hunter2hunter2@host/log")
    check("yield ok('hunter2hunter2', 'as app:hunter2hunter2')", "raise OSError('hunter2hunter2')")
    assert "hunter2" not in str(found())


def test_what_needs_a_group_that_failed_is_not_looked_at(check):
    check("yield fail('stand_in', 'away')")
    after = Check("after", 120.0, "", needs="stand_in")
    assert found(CHECK, after)[1] == [warn("after", "Not looked at, since the stand_in cannot be.")]


def test_what_needs_a_group_in_which_something_fails_is_looked_at(check):
    check("yield fail('one thing', 'broken')")
    after = Check("settings", 120.0, "", needs="stand_in")
    assert found(CHECK, after)[1][0].name == "variables"
    assert found(after)[0][0].name == "variables"  # it may be asked for alone


def test_no_check_at_all():
    assert examine([]) == []
