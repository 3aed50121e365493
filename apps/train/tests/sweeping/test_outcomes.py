"""What is read from a study: which trials are shown, and in which order."""

import optuna
from mlopsproj_train.sweeping.outcomes import Outcome, best, results
from optuna.distributions import FloatDistribution
from optuna.trial import TrialState, create_trial

LR = {"optimizer.lr": FloatDistribution(1e-4, 1e-1, log=True)}


def make(state, *accuracies, value=None, **attributes):
    return create_trial(
        state=state,
        value=value,
        params={"optimizer.lr": 0.012345678},
        distributions=LR,
        intermediate_values=dict(enumerate(accuracies, start=1)),
        user_attrs=attributes,
    )


def numbered(trials):
    study = optuna.create_study()
    for trial in trials:
        study.add_trial(trial)
    return study.get_trials()


def test_the_best_comes_first_and_what_tells_nothing_is_left_out(open_sweep):
    space = open_sweep().beginning.space
    trials = numbered(
        [
            make(TrialState.COMPLETE, 0.5, 0.7, 0.6, value=0.7),
            make(TrialState.FAIL, repeats=None),
            make(TrialState.PRUNED, 0.9),
            make(TrialState.COMPLETE, 0.8, value=0.8),
            make(TrialState.FAIL, error="no memory"),
            make(TrialState.FAIL, same_as=0),
            make(TrialState.RUNNING, 0.3),
            make(TrialState.COMPLETE, 0.8, value=0.8, repeats=1, first=1, folder=1),
        ]
    )
    rows = results(trials, space)
    assert [(row.number, row.outcome) for row in rows] == [
        (3, Outcome.complete),
        (7, Outcome.complete),
        (0, Outcome.complete),
        (2, Outcome.pruned),
        (6, Outcome.running),
        (4, Outcome.failed),
    ]
    assert best(rows).number == 3
    assert rows[2].accuracies == (0.5, 0.7, 0.6)
    assert rows[2].accuracy == 0.7
    assert rows[0].settings == {"optimizer.lr": "0.01235"}
    assert rows[1].folder == 1
    assert rows[-1].error == "no memory"
    assert rows[-1].accuracy is None


def test_among_unfinished_trials_there_is_no_best(open_sweep):
    rows = results(numbered([make(TrialState.PRUNED, 0.9)]), open_sweep().beginning.space)
    assert best(rows) is None
