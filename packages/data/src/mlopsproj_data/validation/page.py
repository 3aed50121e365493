"""A report as one HTML page that holds its pictures and asks no other host for anything.

Knows nothing of how anything was found.
"""

from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Any, Final

from jinja2 import Environment, StrictUndefined

from mlopsproj_data.records import LabelledSource
from mlopsproj_data.splits import SPLITS
from mlopsproj_data.validation.checks import UNUSABLE
from mlopsproj_data.validation.findings import Finding, Offender, Report
from mlopsproj_data.validation.thumbnails import THUMBNAIL_SIDE, thumbnails

_TEMPLATE: Final = "page.html.jinja"
_MOST_PICTURES: Final = 24
"""Of one finding."""
_MOST_TOGETHER: Final = 4
"""Of one offender, side by side."""
_MOST_LISTED: Final = 200
"""Offenders of one finding that are named; JSON holds all."""


def page(report: Report, source: LabelledSource) -> str:
    """The page as HTML.

    Args:
        report: what was found.
        source: whose records the report is about; their files are read for the pictures.
    """
    pictured = [_pictured(finding) for finding in report.findings]
    wanted = {row for offenders in pictured for each in offenders for row in _shown_rows(each)}
    shown = thumbnails(source, wanted)
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.filters["number"] = "{:,}".format
    template = environment.from_string(files(__package__).joinpath(_TEMPLATE).read_text("utf-8"))
    return template.render(
        report=report,
        kinds=(*SPLITS, UNUSABLE),
        classes=list(_classes(report.counts)),
        images=sum(sum(counts.values()) for counts in report.counts.values()),
        side=THUMBNAIL_SIDE,
        findings=[
            {
                "finding": finding,
                "pictures": [
                    {
                        "offender": each,
                        "images": [shown.get(row) for row in _shown_rows(each)],
                        "more": len(each.rows) - len(_shown_rows(each)),
                    }
                    for each in offenders
                    if shown.keys() & set(_shown_rows(each))
                ],
                "listed": finding.offenders[:_MOST_LISTED],
            }
            for finding, offenders in zip(report.findings, pictured, strict=True)
        ],
    )


def _pictured(finding: Finding) -> list[Offender]:
    """The first offenders that have something to see, as many as there is room for."""
    offenders: list[Offender] = []
    room = _MOST_PICTURES
    for each in finding.offenders:
        room -= len(_shown_rows(each))
        if room < 0:
            break
        if each.rows:
            offenders.append(each)
    return offenders


def _shown_rows(offender: Offender) -> tuple[int, ...]:
    return offender.rows[:_MOST_TOGETHER]


def _classes(counts: Mapping[str, Mapping[str, int]]) -> Iterator[dict[str, Any]]:
    """Rows of the table: the bar of a class is as long as its share of the largest class."""
    largest = max((sum(each.values()) for each in counts.values()), default=0) or 1
    for name, each in counts.items():
        total = sum(each.values())
        shares = {kind: 100 * number / largest for kind, number in each.items() if number}
        yield {"name": name, "counts": each, "total": total, "shares": shares}
