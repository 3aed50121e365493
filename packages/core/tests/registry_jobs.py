"""What other processes do to a registry; they import it, so it stands apart from the tests."""

import contextlib
import itertools
import json
import os
import signal
import sys
import time
from datetime import timedelta
from pathlib import Path

from mlopsproj_core import Bundle, MlopsprojError
from mlopsproj_core.archive import back_up
from mlopsproj_core.errors import RegistryError
from mlopsproj_core.garbage import find_garbage, remove_garbage
from mlopsproj_core.registry import ModelVersion, Registry
from mlopsproj_core.store import Store

NOBODY = 65534
PATIENCE_SECONDS = 120
NO_AGE = timedelta(0)
# Audit events of Python that stand for a change of a folder of this machine.
CHANGES = {"os.link", "os.mkdir", "os.remove", "os.rename"}


def publish(url, bundle):
    return Registry(url).publish(Bundle.open(bundle)).number


def publish_and_promote(url, bundle, gate, worker, times):
    """Publish, and move production to what was published, again and again."""
    _wait_for_all(gate, worker)
    registry = Registry(url)
    done = []
    for turn in range(times):
        version = registry.publish(Bundle.open(bundle))
        reason = f"turn {turn}"
        move = registry.move_alias(
            version.name, "production", version.number, actor=f"worker {worker}", reason=reason
        )
        done.append((version.number, move.model_dump(mode="json")))
    return done


def create(url, path, gate, worker):
    """Whether this process was the one that created the file."""
    _wait_for_all(gate, worker)
    try:
        Store(url).create(path, f"of worker {worker}".encode())
    except FileExistsError:
        return None
    return worker


def fetch(url, cache, version, gate, worker):
    _wait_for_all(gate, worker)
    folder = Registry(url, cache=Path(cache)).fetch(version)
    Bundle.open(folder).verify()
    return str(folder)


def roll_back(url, name, gate, worker):
    """The sequence of the move, or the name of the error."""
    _wait_for_all(gate, worker)
    try:
        return Registry(url).rollback(name, "production", actor=f"{worker}", reason="x").sequence
    except MlopsprojError as error:
        return type(error).__name__


def collect(url, gate, worker, until):
    """Remove garbage of any age, once and until a file is there: the versions that went."""
    _wait_for_all(gate, worker)
    registry, gone = Registry(url), []
    for _ in itertools.chain(_until(until), (None,)):
        survey = find_garbage(registry, NO_AGE)
        gone += [str(g.version) for g in remove_garbage(registry, survey, actor=f"{worker}")]
    return gone


def move_about(url, gate, worker, times):
    """Point an alias of one's own at whatever version there is, oldest first; it must be there."""
    _wait_for_all(gate, worker)
    registry, alias = Registry(url), f"alias-{worker}"
    moved, refused = [], 0
    for turn in range(times):
        versions = registry.versions("slim")
        number = versions[turn % len(versions)]
        try:
            registry.move_alias("slim", alias, number, actor=alias, reason="r")
        except RegistryError:
            refused += 1
        else:
            moved.append(number)
            registry.verify(ModelVersion("slim", number))
    return moved, refused


def publish_and_collect(url, bundle, gate, worker, until):
    """Publish, promote and remove what nobody needs, again and again, until a file is there."""
    _wait_for_all(gate, worker)
    registry = Registry(url)
    for _ in _until(until):
        number = registry.publish(Bundle.open(bundle)).number
        registry.move_alias("slim", "candidate", number, actor="a", reason="r")
        list(remove_garbage(registry, find_garbage(registry, NO_AGE), actor="a"))


def back_up_again(url, target, gate, worker, until):
    """Back up again and again, until a file is there: what was left out, if anything was."""
    _wait_for_all(gate, worker)
    left_out = {}
    for _ in _until(until):
        left_out |= back_up(url, target).left_out
    return left_out


def look_at(url, gate, worker, until):
    """What is wrong with a registry that is written to meanwhile."""
    _wait_for_all(gate, worker)
    registry, wrong = Registry(url), []
    for _ in _until(until):
        wrong += [
            f"{move.alias} points at {move.version}"
            for move in registry.survey_aliases("slim")[0].values()
            if move.version not in registry.versions("slim")
        ]
        wrong += [
            error
            for version in registry.all_versions()[-3:]
            if (error := _error_of(lambda version=version: registry.verify(version)))
        ]
    return wrong


def back_up_and_die(source, target, step):
    """Whether a process that copies a registry was killed at its step of that number."""

    def work():
        _die_at(step, target)
        return back_up(source, target).bytes

    return _in_child(work) is None


def collect_and_die(url, step):
    """Whether a process that removes garbage was killed at its step of that number."""

    def work():
        registry = Registry(url)
        survey = find_garbage(registry, NO_AGE)
        _die_at(step, url)
        return len(list(remove_garbage(registry, survey, actor="a")))

    return _in_child(work) is None


def _wait_for_all(gate, worker):
    """Start together with the other processes, so that they do meet."""
    folder, count = gate
    Path(folder, str(worker)).touch()
    deadline = time.monotonic() + PATIENCE_SECONDS
    while len(list(Path(folder).iterdir())) < count:
        if time.monotonic() > deadline:
            raise TimeoutError(f"fewer than {count} workers came")
        time.sleep(0.005)


def _until(path):
    """Again and again until a file is there; but nobody outlives a test that is gone."""
    deadline = time.monotonic() + 2 * PATIENCE_SECONDS
    while not Path(path).exists() and time.monotonic() < deadline:
        yield


def publish_and_die(url, bundle, step):
    """Whether a publishing process was killed at its step of that number, else it was too short."""
    return _in_child(lambda: (_die_at(step, url), publish(url, bundle))) is None


def publish_with_small_files_only(url, bundle, max_bytes):
    """The error of a publication on a disk that refuses to let files grow."""
    return _in_child(lambda: (_limit_files(max_bytes), _error_of(lambda: publish(url, bundle)))[1])


def fetch_with_small_files_only(url, cache, version, max_bytes):
    def fetching():
        Registry(url, cache=Path(cache)).fetch(version)

    return _in_child(lambda: (_limit_files(max_bytes), _error_of(fetching))[1])


def list_as_nobody(url):
    """The errors of someone who may not read."""
    return _in_child(
        lambda: (_become_nobody(), [_error_of(task) for task in _readings(Registry(url))])[1]
    )


def publish_as_nobody(url, bundle):
    return _in_child(lambda: (_become_nobody(), _error_of(lambda: publish(url, bundle)))[1])


def _readings(registry):
    return (registry.names, lambda: registry.resolve("slim:1"), lambda: registry.resolve("slim"))


def _error_of(task):
    try:
        task()
    except MlopsprojError as error:
        return [type(error).__name__, str(error)]
    return None


def _limit_files(max_bytes):
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (max_bytes, hard))


def _become_nobody():
    if os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)


def _die_at(step, url):
    """Be killed before or after a file is created, or, on a folder, at any change of it."""
    steps = itertools.count(1)

    def pass_step():
        if next(steps) == step:
            os.kill(os.getpid(), signal.SIGKILL)

    def audit(event, arguments):
        writes = event == "open" and isinstance(arguments[1], str) and "x" in arguments[1]
        if (event in CHANGES or writes) and str(arguments[0]).startswith(url):
            pass_step()

    really_create = Store.create

    def create_between_steps(self, path, data):
        pass_step()
        really_create(self, path, data)
        pass_step()

    really_remove = Store.remove

    def remove_between_steps(self, path):
        pass_step()
        really_remove(self, path)
        pass_step()

    Store.create, Store.remove = create_between_steps, remove_between_steps
    os.fsync = lambda _: None  # a killed process loses nothing that it has written
    sys.addaudithook(audit)


def _in_child(task):
    """What a forked child answers; None if it was killed."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        with contextlib.suppress(BaseException):
            os.write(writer, json.dumps(task()).encode())
            os._exit(0)
        sys.excepthook(*sys.exc_info())
        os._exit(1)
    os.close(writer)
    with os.fdopen(reader, "rb") as answer:
        text = answer.read()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return None
    assert os.WEXITSTATUS(status) == 0, "the child failed: see its traceback on stderr"
    return json.loads(text)
