"""Two versions beside each other, shown as tables.

Knows nothing of where the values come from. Rich is imported where it draws.
"""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from mlopsproj_core.printing import printable

from mlopsproj_registry.views import console

if TYPE_CHECKING:
    from rich.table import Table

_TOLD_CLASSES = 20


def print_comparison(found: dict[str, Any]) -> None:
    """Show what `compare_versions` gathered to a person."""
    shown = console()
    shown.print(_facts(found))
    shown.print(_figures(found))
    images = found["images"]
    if images["reason"]:
        shown.print(f"Not compared image by image: {images['reason']}.")
    else:
        shown.print(_told_images(found))
        shown.print(_classes(found))
        shown.print(_mcnemar(found))
    if found["speed"] is not None:
        shown.print(_speed(found))
    for title, rows in (
        ("config", found["config"]),
        ("data", found["data"]["differences"]),
        ("packages", found["packages"]),
    ):
        shown.print(_differences(title, rows, found) if rows else f"{title}: the same")


def _versions(found: dict[str, Any]) -> tuple[str, str]:
    return found["first"]["version"], found["second"]["version"]


def _table(title: str, *columns: str) -> "Table":
    from rich.table import Table

    return Table(*columns, title=title, title_justify="left")


def _facts(found: dict[str, Any]) -> "Table":
    first, second = found["first"], found["second"]
    title = f"{first['version']} and {second['version']}"
    table = _table(title, "", *_versions(found))

    def row(name: str, tell: Callable[[dict[str, Any]], str]) -> None:
        table.add_row(name, tell(first), tell(second))

    row("created", lambda side: side["created"][:16].replace("T", " "))
    row("parent", lambda side: side["parent"] or "none")
    row("git commit", lambda side: (side["git_commit"] or "unknown")[:12])
    row("image", lambda side: "{height} x {width} x {channels}".format(**side["image"]))
    row("classes", lambda side: f"{len(side['classes']):,}")
    row("data", lambda side: f"{side['data']['name']} {side['data']['fingerprint'][:12]}")
    row("test images", lambda side: f"{side['test_images']:,}")
    size = found["size"]
    table.add_row("size", f"{size['first']:,} bytes", f"{size['second']:,} bytes")
    return table


def _figures(found: dict[str, Any]) -> "Table":
    """As each bundle records them; the difference is of the images that both were judged on."""
    table = _table("figures (95 % intervals)", "figure", *_versions(found), "paired difference")
    sides = [found[side]["metrics"] for side in ("first", "second")]
    differences = {row["name"]: row for row in found["images"]["figures"]}
    names = dict.fromkeys([*sides[0], *sides[1], *differences])
    for name in names:
        told = [
            f"{side[name]['value']:.4f} ({side[name]['low']:.4f} to {side[name]['high']:.4f})"
            if name in side
            else "not recorded"
            for side in sides
        ]
        row = differences.get(name)
        difference = (
            f"{row['difference']:+.4f} ({row['low']:+.4f} to {row['high']:+.4f})" if row else ""
        )
        table.add_row(name.replace("_", " "), *told, difference)
    return table


def _told_images(found: dict[str, Any]) -> str:
    images = found["images"]
    first, second = _versions(found)
    text = f"Compared on {images['counted']:,} test images"
    if images["scored_again"]:
        text += f", on which {first} was scored again for it"
    if images["excluded"]:
        text += f"; {images['excluded']:,} left out, since one of both was trained on them"
    return f"{text}. Differences are {second} less {first}."


def _classes(found: dict[str, Any]) -> "Table":
    """The classes that differ most, if there are many."""
    rows = found["images"]["classes"]
    title = "recall by class"
    if len(rows) > _TOLD_CLASSES:
        rows = sorted(rows, key=lambda row: -abs(row["difference"] or 0))[:_TOLD_CLASSES]
        title += f", the {_TOLD_CLASSES} of the largest differences; --json tells all"
    table = _table(title, "class", "images", *_versions(found), "difference (95 % interval)")
    for row in rows:
        if not row["images"]:
            table.add_row(row["name"], "0", "", "", "")
            continue
        table.add_row(
            row["name"],
            f"{row['images']:,}",
            f"{row['first']:.4f}",
            f"{row['second']:.4f}",
            f"{row['difference']:+.4f} ({row['low']:+.4f} to {row['high']:+.4f})",
        )
    return table


def _mcnemar(found: dict[str, Any]) -> "Table":
    first, second = _versions(found)
    table = found["images"]["mcnemar"]
    shown = _table(
        f"McNemar: p = {table['p']:.3g} (exact, two-sided)",
        "images",
        f"{second} right",
        f"{second} wrong",
    )
    shown.add_row(f"{first} right", f"{table['both']:,}", f"{table['lost']:,}")
    shown.add_row(f"{first} wrong", f"{table['gained']:,}", f"{table['neither']:,}")
    return shown


def _speed(found: dict[str, Any]) -> "Table":
    table = _table("speed, timed in turn here and now", "batch", *_versions(found), "ratio")
    for row in found["speed"]:
        high = "unknown" if row["high"] is None else f"{row['high']:.2f}"
        table.add_row(
            str(row["batch"]),
            f"{1000 * row['first_seconds']:.2f} ms",
            f"{1000 * row['second_seconds']:.2f} ms",
            f"{row['ratio']:.2f} ({row['low']:.2f} to {high}; {row['rounds']} rounds)",
        )
    return table


def _differences(title: str, rows: list[dict[str, Any]], found: dict[str, Any]) -> "Table":
    table = _table(f"{title} that differs", "key", *_versions(found))
    for row in rows:
        table.add_row(printable(row["key"]), *(_value(row, side) for side in ("first", "second")))
    return table


def _value(row: dict[str, Any], side: str) -> str:
    if side not in row:
        return ""
    value = row[side]
    return printable(value) if isinstance(value, str) else json.dumps(value)
