"""A refusal in a few lines, however much is wrong."""

from mlopsproj_data.validation.findings import Finding, Offender, Report, Severity
from mlopsproj_data.validation.summary import summary


def error(check="unreadable", count=1, *, droppable=True, origin="{}.png"):
    offenders = tuple(Offender(origin.format(i), f"broken at {i}") for i in range(count))
    return Finding(check, Severity.error, f"{check}: mend.", offenders, droppable=droppable)


def report(*findings):
    return Report("pets", "", {}, findings)


def test_the_first_offenders_are_named_and_the_others_counted():
    assert summary(report(error(count=1205))).splitlines() == [
        "The data set pets cannot be trained on:",
        "- unreadable: mend.",
        "    0.png: broken at 0",
        "    1.png: broken at 1",
        "    2.png: broken at 2",
        "    and 1,202 more",
        "Mend this, or leave out what is wrong by data.drop_invalid=true.",
    ]


def test_the_switch_is_not_named_where_it_does_not_help():
    text = summary(report(error(), error("one class only", droppable=False)))
    assert "data.drop_invalid" not in text
    assert text.splitlines()[-1] == (
        "Leaving out what is wrong would not mend all of it (one class only)."
    )


def test_warnings_are_not_told():
    warning = Finding("mixed modes", Severity.warning, "Of several kinds.", ())
    assert "several kinds" not in summary(report(error(), warning))


def test_it_stays_short():
    text = summary(report(*(error(f"kind {i}", 1000, origin="long" * 900) for i in range(30))))
    lines = text.splitlines()
    assert len(lines) < 50
    assert max(map(len, lines)) <= 160
    assert "and 22 more kinds of errors" in text
