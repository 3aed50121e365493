"""A check as one HTML page that holds its figures and asks no other host for anything.

Knows nothing of how anything was found.
"""

from collections.abc import Sequence
from importlib.resources import files
from typing import Final

from jinja2 import Environment, StrictUndefined
from mlopsproj_records.drift_history import DriftCheckRecord

from mlopsproj_monitoring.quality import Share
from mlopsproj_monitoring.reference import Reference
from mlopsproj_monitoring.report.distributions import class_figure, number_figure
from mlopsproj_monitoring.report.figures import data_uri
from mlopsproj_monitoring.report.past_checks import history_figure
from mlopsproj_monitoring.sample import Sample
from mlopsproj_monitoring.verdict import DriftCheck

_TEMPLATE: Final = "page.html.jinja"
_CERTAIN: Final = 0.001
"""A p-value below it is told as that."""


def report_page(
    check: DriftCheck,
    *,
    reference: Reference,
    rows: Sample | None,
    version: int,
    history: Sequence[DriftCheckRecord] = (),
) -> str:
    """The page as HTML.

    Args:
        check: what was found.
        reference: that the window was held against.
        rows: of the window, for the figures; None if it is empty.
        version: of the model.
        history: earlier checks of this version, in any order.
    """
    drifted = {result.name for result in check.detectors if result.drifted}
    numbers = {name.removeprefix("rare ") for name in drifted}
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.filters.update(number="{:,}".format, p_value=_p_value, share=_share)
    template = environment.from_string(files(__package__).joinpath(_TEMPLATE).read_text("utf-8"))
    return template.render(
        model=reference.model,
        version=version,
        check=check,
        detectors=sorted(check.detectors, key=lambda result: (not result.drifted, result.p_value)),
        numbers=None if rows is None else data_uri(number_figure(rows, reference.sample, numbers)),
        mix=None
        if rows is None
        else data_uri(class_figure(rows, reference.sample, reference.classes)),
        drawn=0 if rows is None else len(rows),
        history=data_uri(history_figure(history, check.alpha)) if history else None,
        past=len(history),
    )


def _p_value(value: float | None) -> str:
    if value is None:
        return "none"
    return f"below {_CERTAIN}" if value < _CERTAIN else f"{value:.3f}"


def _share(found: Share | None) -> str:
    if found is None:
        return "unknown"
    return f"{100 * found.value:.1f} % ({100 * found.low:.1f} to {100 * found.high:.1f})"
