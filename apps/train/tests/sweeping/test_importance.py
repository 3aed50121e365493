import optuna
import pytest
from mlopsproj_train.sweeping.importance import importances


def study_of(count, value):
    optuna.logging.set_verbosity(optuna.logging.CRITICAL)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(0), direction="maximize")
    study.optimize(
        lambda trial: value(trial.suggest_float("decides", 0, 1), trial.suggest_float("not", 0, 1)),
        n_trials=count,
    )
    return study


def test_what_decides_is_found():
    found = importances(study_of(60, lambda decides, other: decides + 0.001 * other))
    assert found["decides"] > 0.8
    assert sum(found.values()) == pytest.approx(1)


@pytest.mark.parametrize(("count", "value"), [(9, lambda a, b: a), (20, lambda a, b: 0.5)])
def test_a_few_trials_or_equal_ones_tell_nothing(count, value):
    assert importances(study_of(count, value)) == {}
