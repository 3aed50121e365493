"""Judges a bundle: metrics with intervals, figures, paired comparison, gates.

Names are imported when they are first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlopsproj_evaluation.card import model_card as model_card
    from mlopsproj_evaluation.comparison import Comparison as Comparison
    from mlopsproj_evaluation.comparison import Verdict as Verdict
    from mlopsproj_evaluation.comparison import compare as compare
    from mlopsproj_evaluation.corruptions.corrupting import corrupt as corrupt
    from mlopsproj_evaluation.figures import write_figures as write_figures
    from mlopsproj_evaluation.gates import GateResult as GateResult
    from mlopsproj_evaluation.gates import judge as judge
    from mlopsproj_evaluation.gates import overall as overall
    from mlopsproj_evaluation.perturbed import Perturbed as Perturbed
    from mlopsproj_evaluation.reference import read_reference as read_reference
    from mlopsproj_evaluation.reference import write_reference as write_reference
    from mlopsproj_evaluation.report import Report as Report
    from mlopsproj_evaluation.report import evaluate as evaluate
    from mlopsproj_evaluation.robustness.comparison import (
        RobustnessComparison as RobustnessComparison,
    )
    from mlopsproj_evaluation.robustness.comparison import (
        compare_robustness as compare_robustness,
    )
    from mlopsproj_evaluation.robustness.measuring import (
        measure_robustness as measure_robustness,
    )
    from mlopsproj_evaluation.robustness.measuring import write_robustness as write_robustness
    from mlopsproj_evaluation.robustness.outcomes import Robustness as Robustness
    from mlopsproj_evaluation.robustness.recorder import PerturbedRecorder as PerturbedRecorder
    from mlopsproj_evaluation.scores import Scores as Scores
    from mlopsproj_evaluation.scores import score as score

_MODULES = {
    "Comparison": "comparison",
    "GateResult": "gates",
    "Perturbed": "perturbed",
    "PerturbedRecorder": "robustness.recorder",
    "Report": "report",
    "Robustness": "robustness.outcomes",
    "RobustnessComparison": "robustness.comparison",
    "Scores": "scores",
    "Verdict": "comparison",
    "compare": "comparison",
    "compare_robustness": "robustness.comparison",
    "corrupt": "corruptions.corrupting",
    "evaluate": "report",
    "judge": "gates",
    "measure_robustness": "robustness.measuring",
    "model_card": "card",
    "overall": "gates",
    "read_reference": "reference",
    "score": "scores",
    "write_figures": "figures",
    "write_reference": "reference",
    "write_robustness": "robustness.measuring",
}

__all__ = sorted(_MODULES)  # noqa: PLE0605 (sorted gives a list)


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
