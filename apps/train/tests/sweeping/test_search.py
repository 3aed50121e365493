"""What is tried, by one process and by several; how trials end, and what is repeated."""

import subprocess
import sys
import time
from collections import Counter

import optuna
import pytest
from mlopsproj_core.errors import TrainingError
from mlopsproj_train.config import PrunerConfig, PrunerKind
from mlopsproj_train.run_folder import RunFolder, locked
from mlopsproj_train.sweeping.outcomes import Outcome, best, outcome

FINITE = {"trainer.batch_size": {"choices": [8, 16]}, "model.compile": {"choices": [True, False]}}
EPOCHS = 4


def accuracy_of(config):
    """Best at a rate of 0.01."""
    return 1 / (1 + abs(config.optimizer.lr - 0.01) * 100)


def compute(config, folder, report):
    for epoch in range(1, EPOCHS + 1):
        report(epoch, accuracy_of(config) * epoch / EPOCHS)
    return accuracy_of(config)


def test_so_many_trials_are_trained_in_all_and_the_best_is_found(searched):
    rows = searched(compute, 6)
    assert [row.outcome for row in rows] == [Outcome.complete] * 6
    assert sorted(row.number for row in rows) == list(range(6))
    assert best(rows) is rows[0]
    assert rows[0].accuracy == max(row.accuracy for row in rows)
    assert [row.accuracy for row in searched(compute, 4)] == [row.accuracy for row in rows]
    assert len(searched(compute, 7)) == 7


def test_one_process_proposes_the_same_each_time_also_in_two_parts(searched, tmp_path, monkeypatch):
    settings = []
    for place, parts in (("one", [12]), ("two", [5, 12])):
        (tmp_path / place).mkdir()
        monkeypatch.chdir(tmp_path / place)
        for part in parts:
            rows = searched(compute, part)
        settings.append([row.settings for row in rows])
    assert settings[0] == settings[1]


def test_each_trial_has_a_folder_of_its_own_and_no_checkpoint_stays(searched, tmp_path):
    def train(config, folder, report):
        assert config.run_dir == str(folder.path)
        with pytest.raises(TrainingError), locked(folder):
            pass
        folder.checkpoints.mkdir()
        (folder.checkpoints / "last.ckpt").touch()
        return compute(config, folder, report)

    searched(train, 2)
    folders = tmp_path / "sweeps" / "tiny" / "trials"
    assert sorted(path.name for path in folders.iterdir()) == ["0", "1"]
    assert not list(folders.rglob("*.ckpt"))


def test_no_combination_is_trained_twice_and_none_is_left_out(searched):
    trained = []

    def train(config, folder, report):
        trained.append((config.trainer.batch_size, config.model.compile))
        return 0.5

    rows = searched(train, 50, FINITE)
    assert sorted(trained) == [(8, False), (8, True), (16, False), (16, True)]
    assert len(rows) == 4


def test_a_trial_may_fail(searched):
    def train(config, folder, report):
        if folder.path.name == "1":
            raise TrainingError("the network does not fit")
        return compute(config, folder, report)

    rows = searched(train, 4)
    assert [row.outcome for row in rows] == [Outcome.complete] * 3 + [Outcome.failed]
    assert (rows[-1].number, rows[-1].error) == (1, "the network does not fit")


def test_when_all_trials_fail_the_sweep_ends_early(searched):
    trained = []

    def train(config, folder, report):
        trained.append(config)
        raise TrainingError("no GPU")

    with pytest.raises(
        TrainingError, match="The first 3 trials all failed, the last one by: no GPU"
    ):
        searched(train, 20)
    assert len(trained) == 3


def test_an_unexpected_error_ends_the_sweep_and_its_trial_is_repeated(searched):
    def train(config, folder, report):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        searched(train, 3)
    assert len(searched(compute, 3)) == 3


@pytest.mark.parametrize("kind", [PrunerKind.median, PrunerKind.hyperband])
def test_hopeless_trials_are_ended_early_but_none_before_its_time(searched, kind):
    def train(config, folder, report):
        for epoch in range(1, 6):
            report(epoch, accuracy_of(config) * epoch / 5)
        return accuracy_of(config)

    rows = searched(train, 12, pruner=PrunerConfig(kind, min_trials=3, min_epochs=2))
    pruned = [row for row in rows if row.outcome is Outcome.pruned]
    assert pruned
    assert best(rows).accuracy > max(row.accuracy for row in pruned)
    assert all(2 <= len(row.accuracies) <= 5 for row in pruned)
    assert min(row.number for row in pruned) >= 3
    assert [row.outcome for row in rows[-len(pruned) :]] == [Outcome.pruned] * len(pruned)


def test_nothing_is_ended_early_without_a_pruner(searched):
    assert all(row.outcome is Outcome.complete for row in searched(compute, 7))


def test_an_interrupted_trial_is_repeated_in_its_folder(searched):
    def interrupted(config, folder, report):
        report(1, 0.1)
        folder.checkpoints.mkdir(exist_ok=True)
        folder.last_checkpoint.touch()
        raise KeyboardInterrupt

    found = []

    def train(config, folder, report):
        found.append((config.optimizer.lr, folder.last_checkpoint.exists()))
        return compute(config, folder, report)

    for _ in range(5):  # however often a user ends it
        with pytest.raises(KeyboardInterrupt):
            searched(interrupted, 2)
    rows = searched(train, 2)
    assert [exists for _, exists in found] == [True, False]
    assert [row.outcome for row in rows] == [Outcome.complete] * 2
    assert 0 in {row.folder for row in rows}
    assert 0 not in {row.number for row in rows}


SHELL = """
import logging, sys, time
logging.basicConfig(level=logging.INFO)
from mlopsproj_train.config import PrunerConfig, PrunerKind, TrainConfig
from mlopsproj_train.sweeping import search, study
from mlopsproj_train.sweeping.search_space import SearchSpace

# A second or two without a sign of life, and a trial is taken for dead.
search._LOOK_EVERY_SECONDS, search.DEAD_AFTER_SECONDS = 0.1, 2
study._BEATS_EVERY_SECONDS, study.DEAD_AFTER_SECONDS = 1, 2

def train(config, folder, report):
    with open(f"trained-{sys.argv[1]}", "a") as file:
        print(config.trainer.batch_size, file=file)
    report(1, 0.5)
    time.sleep(float(sys.argv[2]))
    return config.trainer.batch_size / 100

space = {"trainer.batch_size": {"low": 1, "high": int(sys.argv[3])}}
beginning = study.Beginning(SearchSpace.read(space, TrainConfig()), (), "tiny", "f", 100)
sweep = study.begin_sweep("tiny", None, beginning)
with study.storage_errors(None):
    search.Search(sweep, PrunerConfig(PrunerKind.none), seed=0, train=train).run(int(sys.argv[3]))
"""
"""The command as it is typed in a shell, less the networks."""


@pytest.fixture
def shell(tmp_path):
    """Starts a process that searches: its name, the seconds of a trial, the number of trials."""
    started = []

    def start(*arguments):
        process = subprocess.Popen(
            [sys.executable, "-c", SHELL, *map(str, arguments)],
            cwd=tmp_path,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


def read_sizes(path):
    return [int(line) for line in path.read_text().splitlines()] if path.exists() else []


def found_in(tmp_path):
    (study,) = [
        optuna.load_study(storage=f"sqlite:///{path}", study_name="tiny")
        for path in tmp_path.glob("sweeps/tiny/study.db")
    ]
    return study.get_trials()


def test_several_processes_share_the_trials(shell, tmp_path):
    processes = [shell(name, 0.05, 8) for name in ("a", "b")]
    for process in processes:
        assert process.wait(120) == 0, process.stderr.read()
    each = [read_sizes(tmp_path / f"trained-{name}") for name in ("a", "b")]
    assert all(each)
    assert sorted(each[0] + each[1]) == list(range(1, 9))
    states = Counter(map(outcome, found_in(tmp_path)))
    assert states[Outcome.complete] == 8
    assert set(states) <= {Outcome.complete, Outcome.duplicate}


def test_the_trial_of_a_killed_process_is_repeated(shell, tmp_path):
    killed = shell("killed", 600, 3)
    while not (sizes := read_sizes(tmp_path / "trained-killed")):
        assert killed.poll() is None, killed.stderr.read()
        time.sleep(0.02)
    killed.kill()
    killed.wait()
    survivor = shell("survivor", 0, 3)
    assert survivor.wait(120) == 0, survivor.stderr.read()
    assert "trial 0 was interrupted and is repeated" in survivor.stderr.read()
    trials = found_in(tmp_path)
    (again,) = [trial for trial in trials if trial.user_attrs.get("repeats") == 0]
    assert trials[0].state is optuna.trial.TrialState.FAIL
    assert again.params == trials[0].params == {"trainer.batch_size": sizes[0]}
    assert again.user_attrs["folder"] == 0
    assert sorted(read_sizes(tmp_path / "trained-survivor")) == [1, 2, 3]


def test_a_process_taken_for_dead_gives_its_trial_up(searched, open_sweep, caplog):
    """A laptop that slept: another process has ended the trial meanwhile."""
    lost = []

    def train(config, folder, report):
        if not lost:
            lost.append(folder.path.name)
            open_sweep().study.tell(0, state=optuna.trial.TrialState.FAIL)
        return compute(config, folder, report)

    rows = searched(train, 2)
    assert [row.outcome for row in rows] == [Outcome.complete] * 2
    assert "another repeats its trial" in caplog.text


def test_a_folder_that_is_still_held_is_left_alone(searched, open_sweep, tmp_path):
    def interrupted(config, folder, report):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        searched(interrupted, 1)
    with locked(RunFolder(tmp_path / "sweeps" / "tiny" / "trials" / "0")):
        (row,) = searched(compute, 1)
    assert (row.number, row.folder, row.outcome) == (1, 1, Outcome.complete)
