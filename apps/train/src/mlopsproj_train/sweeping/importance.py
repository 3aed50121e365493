"""How much each setting of a sweep decides.

By PED-ANOVA (Watanabe et al., IJCAI 2023), which asks how the best tenth of the trials differs from
the rest in each setting. Knows nothing of how trials came about.
"""

import warnings

import optuna
from optuna.trial import TrialState

_FEWEST = 10
"""Among fewer trials there is no best tenth to speak of."""


def importances(study: optuna.Study) -> dict[str, float]:
    """The share of each setting, 0 to 1, in all; nothing among a few trials or equal ones."""
    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    if len(complete) < _FEWEST or len({trial.value for trial in complete}) == 1:
        return {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of an experiment since 2023
        return optuna.importance.get_param_importances(
            study, evaluator=optuna.importance.PedAnovaImportanceEvaluator()
        )
