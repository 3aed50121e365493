"""What came of the trials of a sweep, read from its study.

A trial that ended without a result and without a reason was interrupted or killed; it is repeated
under a new number. Knows nothing of how a trial is trained.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from optuna.trial import FrozenTrial, TrialState

from mlopsproj_train.sweeping.search_space import SearchSpace

ERROR = "error"
"""Marks a trial that failed, with the reason."""
SAME_AS = "same_as"
"""Marks a trial that was not trained, with the number of the one that tried the same."""
REPEATS, FIRST = "repeats", "first"
"""Mark a trial that repeats another: its number, and that of the first of its kind."""
FOLDER = "folder"
"""Marks a trial with the number that its folder is named after."""
INTERRUPTED = "interrupted"
"""Marks a trial that a user ended."""


class Outcome(StrEnum):
    """What came of a trial."""

    complete = "complete"
    pruned = "pruned"
    failed = "failed"
    running = "running"
    waiting = "waiting"
    interrupted = "interrupted"
    duplicate = "duplicate"


USED = frozenset({Outcome.complete, Outcome.pruned, Outcome.failed, Outcome.running})
"""What counts among the trials that were asked for."""

_OUTCOMES = {
    TrialState.COMPLETE: Outcome.complete,
    TrialState.PRUNED: Outcome.pruned,
    TrialState.RUNNING: Outcome.running,
    TrialState.WAITING: Outcome.waiting,
}


@dataclass(frozen=True)
class TrialResult:
    """One trial.

    Attributes:
        number: in the study.
        folder: the number that its folder is named after: of the trial that it repeats, if any.
        outcome: what came of it.
        settings: the values that it tried, as a user would type them.
        accuracies: on the validation images after each epoch, 0 to 1.
        error: why it failed, if it did.
    """

    number: int
    folder: int
    outcome: Outcome
    settings: dict[str, str]
    accuracies: tuple[float, ...]
    error: str | None

    @property
    def accuracy(self) -> float | None:
        """That of its best epoch."""
        return max(self.accuracies, default=None)


def outcome(trial: FrozenTrial) -> Outcome:
    """What came of a trial of Optuna's."""
    if trial.state in _OUTCOMES:
        return _OUTCOMES[trial.state]
    if SAME_AS in trial.user_attrs:
        return Outcome.duplicate
    return Outcome.failed if ERROR in trial.user_attrs else Outcome.interrupted


def repeated(trials: Iterable[FrozenTrial]) -> set[int]:
    """Numbers of the trials that another one repeats."""
    return {trial.user_attrs[REPEATS] for trial in trials if REPEATS in trial.user_attrs}


def first(trial: FrozenTrial) -> int:
    """Number of the trial that it repeats, however often, else its own."""
    return int(trial.user_attrs.get(FIRST, trial.number))


def results(trials: Sequence[FrozenTrial], space: SearchSpace) -> list[TrialResult]:
    """The trials that tell something, best first; those without a figure come last."""
    hidden = repeated(trials)
    rows = [
        TrialResult(
            number=trial.number,
            folder=int(trial.user_attrs.get(FOLDER, first(trial))),
            outcome=outcome(trial),
            settings=space.settings(trial.params),
            accuracies=tuple(
                trial.intermediate_values[e] for e in sorted(trial.intermediate_values)
            ),
            error=trial.user_attrs.get(ERROR),
        )
        for trial in trials
        if outcome(trial) is not Outcome.duplicate and trial.number not in hidden
    ]
    return sorted(rows, key=_rank)


def best(rows: Iterable[TrialResult]) -> TrialResult | None:
    """The trial with the best validation accuracy among those that ran to their end."""
    return next((row for row in rows if row.outcome is Outcome.complete), None)


def _rank(row: TrialResult) -> tuple[bool, bool, float, int]:
    """Complete ones first: what was ended early may have been ahead of where it would end."""
    accuracy = row.accuracy
    return row.outcome is not Outcome.complete, accuracy is None, -(accuracy or 0.0), row.number
