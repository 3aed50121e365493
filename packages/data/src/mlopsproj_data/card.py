"""The card of a data set as Markdown, with a contact sheet beside it.

    card.md    contact_sheet.png

Knows nothing of how the facts were found.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from mlopsproj_core.local_files import put_in_place

from mlopsproj_data.contact_sheet import MOST_CLASSES, contact_sheet
from mlopsproj_data.drafts import draft_of
from mlopsproj_data.prepared import PreparedDataset

CARD: Final = "card.md"
SHEET: Final = "contact_sheet.png"

_SPLITS: Final = {"train": "training", "validation": "validation", "test": "test"}
_UNITS: Final = {"width": "width, pixels", "height": "height, pixels"}
_COMMONEST: Final = 5


def write_card(dataset: PreparedDataset, facts: Mapping[str, Any], folder: Path) -> Path:
    """Write card and contact sheet into a folder, which is made; the path of the card.

    Args:
        dataset: whose images are shown.
        facts: what `facts.describe` says of it.
        folder: of the two files; those that stand there are replaced.

    Raises:
        DataError: if they cannot be written.
    """
    for name, write in (
        (SHEET, lambda draft: contact_sheet(dataset).save(draft, "PNG")),
        (CARD, lambda draft: draft.write_text(card_text(facts), encoding="utf-8")),
    ):
        with draft_of(folder / name, "another folder") as draft:
            write(draft)
            put_in_place(draft, folder / name)
    return folder / CARD


def card_text(facts: Mapping[str, Any]) -> str:
    """The card of what `facts.describe` gives."""
    height, width, channels = facts["image"]
    classes = facts["class_counts"]
    total = sum(facts["counts"].values())
    colour = "grey" if channels == 1 else "colour"
    shown = "each class" if len(classes) <= MOST_CLASSES else f"the first {MOST_CLASSES} classes"
    prepared = f"prepared as {width} x {height} pixels, {colour}"
    parts = [
        f"# {_plain(facts['name'])}",
        f"{total:,} images of {len(classes):,} classes, {prepared}.",
        f"Fingerprint: `{facts['fingerprint']}`.",
        "## Classes",
        _class_table(classes),
        f"![Images of {shown}]({SHEET})",
        "## Images as they came",
        _measured_table(facts["measured"]),
        *(
            f"{title}: {_counted(facts[key])}."
            for title, key in (("Sizes", "sizes"), ("Modes", "modes"), ("Formats", "formats"))
        ),
        "## Pixels as they are trained on",
        _table(
            ("channel", "mean", "standard deviation"),
            (
                (name, f"{each['mean']:.4f}", f"{each['deviation']:.4f}")
                for name, each in facts["channels"].items()
            ),
        ),
        "Of the training images, from 0 to 1.",
        "## Left out, and leakage",
        _dropped(facts["dropped"]),
        _group_text(facts["groups"]),
        "## Validation",
        _finding_table(facts["findings"]),
    ]
    return "\n\n".join(parts) + "\n"


def _class_table(classes: Mapping[str, Mapping[str, int]]) -> str:
    rows = [
        (
            name,
            *(f"{counts[split]:,}" for split in _SPLITS),
            f"{sum(counts.values()):,}",
        )
        for name, counts in classes.items()
    ]
    sums = [sum(counts[split] for counts in classes.values()) for split in _SPLITS]
    rows.append(("all", *(f"{number:,}" for number in sums), f"{sum(sums):,}"))
    return _table(("class", *_SPLITS.values(), "all"), rows)


def _measured_table(measured: Mapping[str, Mapping[str, float]]) -> str:
    return _table(
        ("", "least", "median", "most"),
        (
            (_UNITS.get(name, name), *map(_number, spread.values()))
            for name, spread in measured.items()
        ),
    )


def _number(value: float) -> str:
    return f"{value:,.0f}" if value.is_integer() else f"{value:,.4f}"


def _counted(numbers: Mapping[str, int]) -> str:
    named = [f"{_plain(name)} ({count:,})" for name, count in numbers.items()]
    more = len(named) - _COMMONEST
    return ", ".join(named[:_COMMONEST]) + (f" and {more:,} more" if more > 0 else "")


def _dropped(dropped: Mapping[str, int]) -> str:
    named = [f"{count:,} {why}" for why, count in dropped.items() if count]
    return f"Left out: {', '.join(named)}." if named else "Nothing was left out."


def _group_text(groups: Mapping[str, int]) -> str:
    if not groups["count"]:
        return "Images have no group."
    if not groups["divided"]:
        return f"{groups['count']:,} groups, each in one split."
    return (
        f"{groups['count']:,} groups, of which {groups['divided']:,} stand in several splits, with"
        f" {groups['divided_images']:,} images: the figures on the test set flatter the model."
    )


def _finding_table(findings: Sequence[Mapping[str, Any]]) -> str:
    if not findings:
        return "Nothing was found."
    return _table(
        ("check", "severity", "images", "what is wrong"),
        ((f["check"], f["severity"], f"{f['count']:,}", f["message"]) for f in findings),
        rest="---",
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], *, rest: str = "---:") -> str:
    """Words in the first column, and what stands to the right, numbers mostly, in the rest."""
    lines = ["| " + " | ".join(map(_plain, line)) + " |" for line in (head, *rows)]
    lines.insert(1, "| --- |" + f" {rest} |" * (len(head) - 1))
    return "\n".join(lines)


def _plain(text: str) -> str:
    """Text that Markdown shows as it is, in one line."""
    return re.sub(r"([\\`*_{}\[\]<>|#])", r"\\\1", " ".join(text.split()))
