import json
import os
import shlex
import signal
import subprocess
import sys
from contextlib import suppress

import pytest
from mlopsproj_core import events
from mlopsproj_core.errors import RecordsError
from mlopsproj_monitoring.triggers import RetrainingFlow, read_trigger
from mlopsproj_monitoring.triggers.command import place_of
from mlopsproj_records import Outbox, Retrainings
from mlopsproj_records.outbox import LEASE_SECONDS, LONGEST_PAUSE_SECONDS
from sqlalchemy import text
from webhook import serving

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no commands")

COUNT = "import os, sys; open(sys.argv[1], 'a').write(os.environ['MLOPSPROJ_EVENT'] + '\\n')"


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(events, "_FIRST_PAUSE_SECONDS", 0.01)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def folder(tmp_path):
    yield tmp_path / "retrainings"
    for begun in (tmp_path / "retrainings").glob("*/started"):
        with suppress(ProcessLookupError, ValueError):
            os.killpg(int(begun.read_text()), signal.SIGKILL)


@pytest.fixture
def ran(tmp_path):
    return tmp_path / "ran"


@pytest.fixture
def make(database, clock, folder):
    """A flow with a setting."""

    def flow(setting, **options):
        trigger = read_trigger(setting, folder=folder)
        return RetrainingFlow(database, trigger, clock=clock, **options)

    return flow


def command(*words):
    return "command:" + shlex.join(map(str, words))


def counting(ran):
    return command(sys.executable, "-c", COUNT, ran)


def ended(flow, id_):
    def step():
        flow.advance()
        found = flow.retrainings.find(id_)
        return found if found.state in {"done", "failed"} else None

    return step


def test_a_drift_waits_for_approval_and_then_runs_the_command_once(make, drift, ran, until, folder):
    flow = make(counting(ran))
    id_ = drift(flow)
    for _ in range(3):
        flow.advance()
    assert flow.retrainings.find(id_).state == "waiting"
    assert not ran.exists()
    flow.approve(id_, actor="ann", reason="it rains")
    done = until(ended(flow, id_))
    flow.advance()
    assert (done.state, done.actor, done.reason) == ("done", "ann", "it rains")
    assert done.detail == f"exit code 0; its output is {folder / id_ / 'log.txt'}"
    (line,) = ran.read_text().splitlines()
    assert json.loads(line)["id"] == done.event_id
    assert json.loads(line)["data"]["changed"] == ["brightness"]


def test_without_approval_it_runs_at_once_where_the_setting_says_so(make, drift, ran, until):
    flow = make(counting(ran), automatic=True)
    id_ = drift(flow)
    assert until(ended(flow, id_)).actor == "automatic"
    assert len(ran.read_text().splitlines()) == 1


def test_what_is_declined_does_not_run(make, drift, ran):
    flow = make(counting(ran))
    id_ = drift(flow)
    flow.decline(id_, actor="bob", reason="not today")
    flow.advance()
    assert flow.retrainings.find(id_).state == "declined"
    assert not ran.exists()
    with pytest.raises(RecordsError, match="is declined already by bob"):
        flow.approve(id_, actor="ann")


def test_a_command_that_fails_has_failed(make, drift, until):
    flow = make(command(sys.executable, "-c", "raise SystemExit(3)"), automatic=True)
    done = until(ended(flow, drift(flow)))
    assert done.state == "failed"
    assert done.detail.startswith("exit code 3; its output is")


def test_a_folder_that_cannot_be_made_fails_it_and_tells_why(make, drift, folder, until):
    folder.write_text("a file")
    flow = make(command("true"), automatic=True)
    done = until(ended(flow, drift(flow)))
    folder.unlink()
    assert done.state == "failed"
    assert done.detail.startswith(f"It cannot be started in {folder / done.id}: ")
    assert "Not a directory" in done.detail or "File exists" in done.detail


def test_a_model_has_one_at_a_time(make, drift, tmp_path, until):
    script = (
        "import pathlib, sys, time\nwhile not pathlib.Path(sys.argv[1]).exists(): time.sleep(0.02)"
    )
    flow = make(command(sys.executable, "-c", script, tmp_path / "go"))
    first = drift(flow)
    assert drift(flow) is None, "one waits"
    flow.approve(first, actor="ann")
    assert drift(flow) is None, "one is approved"
    flow.advance()
    assert flow.retrainings.find(first).state == "started"
    assert drift(flow) is None, "one runs"
    assert drift(flow, model="plants")
    (tmp_path / "go").touch()
    until(ended(flow, first))
    assert drift(flow)


def test_without_a_trigger_nothing_is_asked_for(make, drift):
    flow = make(None)
    assert drift(flow) is None
    flow.advance()
    assert flow.retrainings.recent() == []


def test_one_that_runs_is_seen_to_its_end_by_a_monitor_with_another_setting(
    make, drift, ran, until
):
    flow = make(counting(ran), automatic=True)
    id_ = drift(flow)
    flow.advance()
    assert until(ended(make(None), id_)).state == "done"


def test_one_that_waits_for_a_setting_waits(make, drift):
    id_ = drift(make("command:true", automatic=True))
    make(None).advance()
    assert Retrainings.find(make(None).retrainings, id_).state == "approved"


def test_the_setting_of_now_is_what_is_started(make, drift, ran, until):
    id_ = drift(make("command:no-such-command-anywhere", automatic=True))
    done = until(ended(make(counting(ran)), id_))
    assert done.state == "done"
    assert done.how.startswith("command: ")
    assert "no-such-command" not in done.how


def test_one_of_another_machine_is_left_to_it_and_can_be_given_up(make, drift, ran, monkeypatch):
    flow = make(counting(ran), automatic=True)
    id_ = drift(flow)
    flow.retrainings.start(id_, how="x", place="another-machine:/retrainings/x")
    flow.advance()
    assert flow.retrainings.find(id_).state == "started"
    assert flow.decline(id_, actor="bob", reason="it is gone").state == "failed"
    assert not ran.exists()


# What a monitor does, in a process that is killed at one of its steps.
MONITOR = """
import os, signal, sys
from pathlib import Path
from mlopsproj_monitoring.triggers import RetrainingFlow, command, read_trigger
from mlopsproj_records import Database, Retrainings

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

url, setting, folder, when = sys.argv[1:]
if when == "before it is recorded as started":
    Retrainings.start = die
elif when == "before it begins":
    command.CommandTrigger.begin = die
elif when == "after it began":
    begin = command.CommandTrigger.begin
    command.CommandTrigger.begin = lambda *arguments: (begin(*arguments), die())
elif when == "before it is recorded as ended":
    Retrainings.finish = die
with Database(url) as database:
    trigger = read_trigger(setting, folder=Path(folder))
    flow = RetrainingFlow(database, trigger, automatic=True)
    while True:
        flow.advance()
"""


@pytest.mark.parametrize(
    "when",
    [
        "before it is recorded as started",
        "before it begins",
        "after it began",
        "before it is recorded as ended",
    ],
)
def test_whenever_a_monitor_is_killed_the_command_runs_once(  # noqa: PLR0917 (fixtures)
    make, drift, ran, url, folder, until, when
):
    flow = make(counting(ran), automatic=True)
    id_ = drift(flow)
    killed = subprocess.run(
        [sys.executable, "-c", MONITOR, url, counting(ran), folder, when], check=False
    )
    assert killed.returncode == -9
    assert flow.retrainings.find(id_).state in {"approved", "started"}
    assert until(ended(flow, id_)).state == "done"
    assert len(ran.read_text().splitlines()) == 1


def test_several_monitors_at_once_run_a_command_once(  # noqa: PLR0917 (fixtures)
    make, drift, ran, url, folder, until
):
    flow = make(counting(ran), automatic=True)
    ids = [drift(flow, model=f"model {number}") for number in range(3)]
    monitors = [
        subprocess.Popen([sys.executable, "-c", MONITOR, url, counting(ran), folder, "never"])
        for _ in range(3)
    ]
    try:
        states = lambda: {flow.retrainings.find(id_).state for id_ in ids}  # noqa: E731 (read again and again)
        until(lambda: states() == {"done"})
    finally:
        for monitor in monitors:
            monitor.kill()
            monitor.wait()
    told = [json.loads(line)["id"] for line in ran.read_text().splitlines()]
    assert sorted(told) == sorted(flow.retrainings.find(id_).event_id for id_ in ids)


def test_one_that_was_never_begun_and_has_no_command_any_more_has_failed(make, drift, folder):
    flow = make("command:true", automatic=True)
    id_ = drift(flow)
    (folder / id_).mkdir(parents=True)
    flow.retrainings.start(id_, how="command: true", place=place_of(folder / id_))
    other = make("http://127.0.0.1:1/")
    other.advance()
    found = other.retrainings.find(id_)
    assert found.state == "failed"
    assert found.detail.startswith("It was never begun, and MLOPSPROJ_MONITOR_RETRAIN names no")


def test_one_whose_folder_is_gone_has_failed_and_is_not_begun_again(make, drift, ran, folder):
    flow = make(counting(ran), automatic=True)
    id_ = drift(flow)
    flow.retrainings.start(id_, how="x", place=place_of(folder / id_))
    flow.advance()
    found = flow.retrainings.find(id_)
    assert (found.state, ran.exists()) == ("failed", False)
    assert found.detail == f"{folder / id_} is gone, and with it what would tell how it went."


def test_one_whose_files_cannot_be_read_is_told_of_and_holds_no_other_up(  # noqa: PLR0917 (fixtures)
    make, drift, ran, folder, until, caplog
):
    flow = make(counting(ran), automatic=True)
    strange = drift(flow)
    flow.retrainings.start(strange, how="x", place=place_of(folder / strange))
    (folder / strange / "running.lock").mkdir(parents=True)
    (folder / strange / "started").touch()
    other = drift(flow, model="plants")
    assert until(ended(flow, other)).state == "done"
    assert flow.retrainings.find(strange).state == "started"
    assert f"retraining {strange} cannot be looked at: " in caplog.text
    (folder / strange / "started").unlink()


def test_one_whose_event_cannot_be_read_has_failed_and_holds_no_other_up(
    make, drift, database, ran, until
):
    flow = make(counting(ran), automatic=True)
    strange = drift(flow)
    statement = text("UPDATE outbox SET document = '{}'")
    database.run(lambda c: c.execute(statement), writes=True)
    other = drift(flow, model="plants")
    assert until(ended(flow, other)).state == "done"
    found = flow.retrainings.find(strange)
    assert found.state == "failed"
    assert f"The event {found.event_id} in the database cannot be read" in found.detail


def test_one_whose_event_is_gone_has_failed(make, drift, database):
    flow = make("command:true", automatic=True)
    id_ = drift(flow)
    database.run(lambda c: c.execute(text("DELETE FROM outbox")), writes=True)
    flow.advance()
    assert flow.retrainings.find(id_).detail == "Its event is not in the database."


def test_a_webhook_is_told_once_it_is_approved(make, drift):
    with serving() as webhook:
        flow = make(f"{webhook.url}/s3cret")
        id_ = drift(flow)
        flow.advance()
        assert webhook.told == []
        flow.approve(id_, actor="ann")
        flow.advance()
        flow.advance()
        done = flow.retrainings.find(id_)
        assert done.state == "done"
        assert "s3cret" not in f"{done.how}{done.detail}"
        assert [told["id"] for told in webhook.told] == [done.event_id]
        assert webhook.told[0]["type"] == "drift-detected"


def test_a_webhook_that_is_down_is_told_later_and_once(make, drift, clock):
    with serving() as webhook:
        webhook.statuses = [503] * 3 + [404] + [503] * 3
        flow = make(webhook.url, automatic=True)
        id_ = drift(flow)
        for attempt in (1, 2, 3):
            flow.advance()
            found = flow.retrainings.find(id_)
            assert (found.state, found.attempts) == ("approved", attempt)
            assert "did not take the event" in found.detail
            before = len(webhook.told)
            flow.advance()
            assert len(webhook.told) == before, "not before its time"
            clock.go((found.next_attempt - clock()).total_seconds())
        flow.advance()
        assert flow.retrainings.find(id_).state == "done"
        assert {told["id"] for told in webhook.told} == {flow.retrainings.find(id_).event_id}
        assert len(webhook.told) == 3 + 1 + 3 + 1


def test_github_without_a_token_waits_until_it_has_one(make, drift, clock, monkeypatch):
    monkeypatch.delenv("GITHUB_TOKEN", raising=False)
    flow = make("github://owner/repository", automatic=True)
    id_ = drift(flow)
    flow.advance()
    found = flow.retrainings.find(id_)
    assert found.state == "approved"
    assert "needs GITHUB_TOKEN" in found.detail
    with serving() as webhook:
        monkeypatch.setenv("GITHUB_TOKEN", "t0ken")
        monkeypatch.setenv("GITHUB_API_URL", webhook.url)
        clock.go(LONGEST_PAUSE_SECONDS)
        flow.advance()
        assert flow.retrainings.find(id_).state == "done"
        assert webhook.told[0]["event_type"] == "drift-detected"
        assert webhook.told[0]["client_payload"]["id"] == found.event_id


TELL = """
import os, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from mlopsproj_core import events
from mlopsproj_monitoring.triggers import RetrainingFlow, read_trigger, webhook
from mlopsproj_records import Database

def tell_and_die(event, url, **options):
    if sys.argv[3] == "after":
        events.deliver(event, url, **options)
    os.kill(os.getpid(), signal.SIGKILL)

webhook.deliver = tell_and_die
with Database(sys.argv[1]) as database:
    noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    trigger = read_trigger(sys.argv[2], folder=Path("unused"))
    RetrainingFlow(database, trigger, clock=lambda: noon).advance()
"""


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_monitor_that_is_killed_while_it_tells_leaves_it_to_the_next(
    make, drift, url, clock, when
):
    with serving() as webhook:
        flow = make(webhook.url, automatic=True)
        id_ = drift(flow)
        killed = subprocess.run([sys.executable, "-c", TELL, url, webhook.url, when], check=False)
        assert killed.returncode == -9
        told = len(webhook.told)
        assert told == (when == "after")
        flow.advance()
        assert len(webhook.told) == told, "it may live still"
        clock.go(LEASE_SECONDS)
        flow.advance()
        done = flow.retrainings.find(id_)
        assert done.state == "done"
        assert [event["id"] for event in webhook.told] == [done.event_id] * (told + 1)


def test_drift_is_told_once_however_long_the_receiver_is_down(make, drift, database, clock):
    """The event and the outbox, as a monitor uses them, with a real receiver."""
    flow, outbox = make(None), Outbox(database, clock=clock)
    with serving() as webhook:
        webhook.statuses = [503] * 9
        for _ in range(24):
            drift(flow, cooldown_seconds=24 * 3600.0)
            outbox.deliver_due(lambda event: events.deliver(event, webhook.url))
            clock.go(3599)
        assert len({told["id"] for told in webhook.told}) == 1
        assert len(webhook.told) == 9 + 1
        clock.go(24)
        drift(flow, cooldown_seconds=24 * 3600.0)
        outbox.deliver_due(lambda event: events.deliver(event, webhook.url))
        assert len({told["id"] for told in webhook.told}) == 2
    assert outbox.counts() == {"pending": 0, "delivered": 2}
