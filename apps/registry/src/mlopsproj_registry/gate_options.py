"""Options of the gates: what each accepts, and which are not asked.

What is not given is left to the environment, else to the gates' own defaults, so that a team sets
its limits once. Knows nothing of how anything is measured.
"""

from typing import Annotated

import typer


def _limit(variable: str, default: str, meaning: str) -> typer.models.OptionInfo:
    option: typer.models.OptionInfo = typer.Option(
        help=f"{meaning}; $MLOPSPROJ_GATE_{variable}, else {default}."
    )
    return option


Margin = Annotated[
    float | None,
    _limit("MARGIN", "0.005", "Loss of accuracy that is accepted, from 0 to below 1"),
]
ClassMargin = Annotated[
    float | None,
    _limit("CLASS_MARGIN", "0.1", "Fall of any class's recall that is accepted"),
]
CalibrationMargin = Annotated[
    float | None,
    _limit("CALIBRATION_MARGIN", "0.02", "Larger calibration error that is accepted"),
]
RobustnessMargin = Annotated[
    float | None,
    _limit("ROBUSTNESS_MARGIN", "0.02", "Loss of accuracy under corruptions that is accepted"),
]
SizeRatio = Annotated[
    float | None,
    _limit("SIZE_RATIO", "1.25", "Bytes of the graph for each byte of production's"),
]
LatencyRatio = Annotated[
    float | None,
    _limit("LATENCY_RATIO", "1.25", "Seconds of an inference for each second of production's"),
]
LatencySeconds = Annotated[
    float | None,
    _limit("LATENCY_SECONDS", "8", "After which a measurement of latency stays undecided"),
]
Without = Annotated[
    list[str] | None,
    typer.Option(
        help="Name of a gate that is not asked, e.g. latency; may be given several times. Beside"
        " $MLOPSPROJ_GATE_WITHOUT, names separated by commas.",
    ),
]
