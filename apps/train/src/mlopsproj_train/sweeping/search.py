"""The trials of a sweep, one after another, in any number of processes at once.

Processes on one machine take turns at choosing what to try; whoever has chosen lets the next one
choose, and trains. Knows nothing of networks: how a trial is trained is its caller's business.
"""

import logging
import random
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta

import optuna
from mlopsproj_core.errors import MlopsprojError, TrainingError
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import FrozenTrial, TrialState

from mlopsproj_train.config import PrunerConfig, PrunerKind, TrainConfig
from mlopsproj_train.logs import log_file, quiet_console
from mlopsproj_train.run_folder import RunFolder, locked
from mlopsproj_train.sweeping.outcomes import (
    ERROR,
    FIRST,
    FOLDER,
    INTERRUPTED,
    REPEATS,
    SAME_AS,
    USED,
    Outcome,
    best,
    first,
    outcome,
    repeated,
    results,
)
from mlopsproj_train.sweeping.search_space import Choices, Label, Range
from mlopsproj_train.sweeping.study import DEAD_AFTER_SECONDS, Sweep, turn

logger = logging.getLogger(__name__)

EpochReport = Callable[[int, float], None]
"""Told how many epochs are done, and the validation accuracy after the last of them."""
Train = Callable[[TrainConfig, RunFolder, EpochReport], float]
"""Trains in a folder that this process holds; gives the best validation accuracy."""

_FAILURES = 3
"""After so many at the beginning, the next would fail too."""
_ATTEMPTS = 3
"""A trial that kills its process so often (by lack of memory, say) is not repeated again."""
_DRAWS = 1_000
_LOOK_EVERY_SECONDS = 2


class _DuplicateError(Exception):
    """What was proposed was tried already, or is being tried."""


class Search:
    """This process's part in a sweep."""

    def __init__(self, sweep: Sweep, pruner: PrunerConfig, *, seed: int, train: Train) -> None:
        """Take what is needed.

        Args:
            sweep: that is open.
            pruner: when a trial is ended early.
            seed: of what is proposed; one process alone proposes the same each time.
            train: trains a trial.
        """
        self._sweep = sweep
        self._study = sweep.study
        self._study.pruner = _pruner(pruner)
        self._space = sweep.beginning.space
        self._pruning = pruner
        self._seed = seed
        self._train = train
        self._turn = turn(sweep.folder)
        self._failures: list[str] = []
        self._lost = self._waiting = False

    def run(self, trials: int) -> None:
        """Train until there are so many trials in all, or nothing is left to try.

        Raises:
            TrainingError: if the first trials all fail.
        """
        while self._go_on(trials):
            known = self._trials()
            if len(self._failures) >= _FAILURES and best(results(known, self._space)) is None:
                raise TrainingError(
                    f"The first {len(self._failures)} trials all failed, the last one by:"
                    f" {self._failures[-1]}"
                )

    def _go_on(self, trials: int) -> bool:
        """Train the next trial, or wait for those of others; whether there may be more to do."""
        with self._turn:
            self._repeat_dead_trials()
            known = self._trials()
            counts = Counter(map(outcome, known))
            wanted = sum(counts[kind] for kind in USED) < trials and not self._exhausted(known)
            if wanted or counts[Outcome.waiting]:
                self._waiting = False
                self._next(len(known))
                return True
        running = counts[Outcome.running]
        if running and not self._waiting:
            self._waiting = True
            logger.info("waiting for %d running elsewhere; Ctrl-C shows what there is", running)
        if running:
            time.sleep(_LOOK_EVERY_SECONDS)
        return running > 0

    def _next(self, number: int) -> None:
        # Anew for each trial: what is proposed does not depend on when a process was started.
        self._study.sampler = optuna.samplers.TPESampler(
            seed=self._source("sampler", number).randrange(2**32),
            multivariate=True,
            constant_liar=True,
        )
        self._lost = False
        try:
            self._study.optimize(
                self._objective, n_trials=1, catch=(MlopsprojError, _DuplicateError)
            )
        except Exception:
            if not self._lost:
                raise
            logger.warning("this process was stopped for so long that another repeats its trial")

    def _objective(self, trial: optuna.Trial) -> float:
        labels = {key: _suggest(trial, key, p) for key, p in self._space.parameters.items()}
        if REPEATS not in trial.user_attrs:
            self._refuse_duplicate(trial, labels)
        self._turn.release()
        with self._folder(trial) as folder:
            try:
                accuracy = self._result(trial, labels, folder)
            except (optuna.TrialPruned, MlopsprojError):
                _drop_checkpoints(folder)
                raise
            _drop_checkpoints(folder)
        return accuracy

    def _result(self, trial: optuna.Trial, labels: Mapping[str, Label], folder: RunFolder) -> float:
        shown = " ".join(f"{key}={text}" for key, text in self._space.settings(labels).items())
        logger.info("trial %d: %s", trial.number, shown)
        epochs = 0

        def report(done: int, accuracy: float) -> None:
            nonlocal epochs
            epochs = done
            self._report(trial, done, accuracy)

        try:
            config = replace(self._space.run(labels), run_dir=str(folder.path))
            with quiet_console(), log_file(folder.log):
                accuracy = self._train(config, folder, report)
        except optuna.TrialPruned as pruned:
            logger.info("trial %d: ended early after epoch %d, %s", trial.number, epochs, pruned)
            raise
        except KeyboardInterrupt:
            with suppress(UpdateFinishedTrialError):
                trial.set_user_attr(INTERRUPTED, value=True)
            raise
        except MlopsprojError as error:
            logger.warning("trial %d: failed: %s", trial.number, error)
            self._failures.append(str(error))
            trial.set_user_attr(ERROR, str(error))
            raise
        self._tell(trial.number, accuracy, epochs)
        return accuracy

    def _tell(self, number: int, accuracy: float, epochs: int) -> None:
        known = self._trials()
        counts = Counter(map(outcome, known))
        done = 1 + sum(counts[kind] for kind in USED - {Outcome.running})
        leader = best(results(known, self._space))
        logger.info(
            "trial %d: validation accuracy %.4f after %d epoch%s; %d done, the best %s",
            number,
            accuracy,
            epochs,
            "s" if epochs != 1 else "",
            done,
            f"{leader.accuracy:.4f} (trial {leader.number})"
            if leader and leader.accuracy is not None and leader.accuracy >= accuracy
            else "so far",
        )

    def _report(self, trial: optuna.Trial, done: int, accuracy: float) -> None:
        try:
            trial.report(accuracy, done)
        except UpdateFinishedTrialError:
            self._lost = True
            raise
        hopeless = trial.should_prune()  # asked at every epoch: hyperband keeps notes
        others = sum(outcome(other) is Outcome.complete for other in self._trials())
        if hopeless and done >= self._pruning.min_epochs and others >= self._pruning.min_trials:
            raise optuna.TrialPruned(f"validation accuracy {accuracy:.4f}")

    def _refuse_duplicate(self, trial: optuna.Trial, labels: Mapping[str, Label]) -> None:
        """End a trial that would compute what was computed, and have another one drawn."""
        seen = self._seen(other for other in self._trials() if other.number != trial.number)
        same = seen.get(_key(self._space.settings(labels)))
        if same is None:
            return
        trial.set_user_attr(SAME_AS, same)
        source = self._source("draw", trial.number)
        for _ in range(_DRAWS):
            drawn = self._space.draw(source)
            if _key(self._space.settings(drawn)) not in seen:
                self._study.enqueue_trial(drawn)
                break
        raise _DuplicateError

    def _seen(self, trials: Iterator[FrozenTrial] | list[FrozenTrial]) -> dict[str, int]:
        """What was tried, is being tried or will be, and by which trial."""
        return {
            _key(
                self._space.settings(trial.params or trial.system_attrs.get("fixed_params", {}))
            ): (trial.number)
            for trial in trials
            if outcome(trial) is not Outcome.duplicate
        }

    def _exhausted(self, trials: list[FrozenTrial]) -> bool:
        return len(self._seen(trials)) >= self._space.size

    def _repeat_dead_trials(self) -> None:
        """Queue again what was being trained when its process ended."""
        optuna.storages.fail_stale_trials(self._study)
        long_ago = datetime.now() - timedelta(seconds=DEAD_AFTER_SECONDS)  # noqa: DTZ005 (as Optuna's)
        for trial in self._trials():
            # Killed before its first sign of life, which no one would miss.
            started = trial.datetime_start or long_ago
            if trial.state is TrialState.RUNNING and not trial.params and started < long_ago:
                self._study.tell(trial.number, state=TrialState.FAIL)
        known = self._trials()
        done = repeated(known)
        kills = Counter(
            first(trial)
            for trial in known
            if outcome(trial) is Outcome.interrupted and INTERRUPTED not in trial.user_attrs
        )
        for trial in known:
            if (
                outcome(trial) is not Outcome.interrupted
                or not trial.params
                or trial.number in done
            ):
                continue
            number = first(trial)
            if kills[number] < _ATTEMPTS:
                logger.info("trial %d was interrupted and is repeated", trial.number)
                attributes = {REPEATS: trial.number, FIRST: number}
                self._study.enqueue_trial(trial.params, user_attrs=attributes)

    @contextmanager
    def _folder(self, trial: optuna.Trial) -> Iterator[RunFolder]:
        """Hold the folder of the trial that this one repeats, to go on from its checkpoint.

        A process that was taken for dead may still hold it; then the trial begins anew in its own.
        """
        numbers = (int(trial.user_attrs.get(FIRST, trial.number)), trial.number)
        with ExitStack() as stack:
            for number in numbers:
                folder = RunFolder(self._sweep.folder / "trials" / str(number))
                folder.path.mkdir(parents=True, exist_ok=True)
                try:
                    stack.enter_context(locked(folder))
                except TrainingError:
                    if number == trial.number:
                        raise
                else:
                    trial.set_user_attr(FOLDER, number)
                    break
            yield folder

    def _trials(self) -> list[FrozenTrial]:
        return self._study.get_trials(deepcopy=False)

    def _source(self, purpose: str, number: int) -> random.Random:
        return random.Random(f"{purpose} {self._seed} {number}")  # noqa: S311 (no secret)


def _drop_checkpoints(folder: RunFolder) -> None:
    """Only a trial that goes on needs them: the best one is trained anew."""
    shutil.rmtree(folder.checkpoints, ignore_errors=True)


def _key(settings: Mapping[str, str]) -> str:
    return " ".join(f"{key}={settings[key]}" for key in sorted(settings))


def _suggest(trial: optuna.Trial, key: str, parameter: Range | Choices) -> Label:
    if isinstance(parameter, Choices):
        return trial.suggest_categorical(key, list(parameter.values))
    if parameter.whole:
        return trial.suggest_int(
            key,
            int(parameter.low),
            int(parameter.high),
            step=int(parameter.step or 1),
            log=parameter.log,
        )
    return trial.suggest_float(
        key, parameter.low, parameter.high, step=parameter.step, log=parameter.log
    )


def _pruner(config: PrunerConfig) -> optuna.pruners.BasePruner:
    match config.kind:
        case PrunerKind.median:
            return optuna.pruners.MedianPruner(
                n_startup_trials=config.min_trials, n_warmup_steps=config.min_epochs
            )
        case PrunerKind.hyperband:
            return optuna.pruners.HyperbandPruner(min_resource=config.min_epochs)
        case PrunerKind.none:
            return optuna.pruners.NopPruner()
