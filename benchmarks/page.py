"""Writes `docs/benchmarks.md` from what the benchmarks stored: `python benchmarks/page.py`.

Shows every ratio and every figure with an interval that stands in a result under names of its own;
what lies in lists is left to the file. Knows of no benchmark what it measures but the first line of
its script, and where the docs discuss it.
"""

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[1]
PAGE: Final = ROOT / "docs" / "benchmarks.md"
RESULTS: Final = ROOT / "benchmarks" / "results"

DISCUSSED: Final = {
    "cached_features": "concepts/photos.md#fine-tuning",
    "compression": "concepts/optimizing.md#what-it-reaches",
    "containers": "concepts/images.md#how-large-and-how-soon",
    "drift_false_alarms": "concepts/monitoring.md",
    "drift_power": "concepts/monitoring.md",
    "drift_speed": "concepts/monitoring-service.md",
    "estimated_accuracy": "concepts/estimated-accuracy.md",
    "out_of_distribution": "concepts/out-of-distribution.md",
    "out_of_distribution_cost": "concepts/out-of-distribution.md",
    "photos": "concepts/photos.md#what-it-reaches",
    "serving_latency": "concepts/serving.md#how-fast",
    "serving_log": "concepts/serving.md#how-fast",
    "serving_memory": "concepts/serving.md#how-fast",
    "serving_speed": "concepts/serving.md#how-fast",
    "serving_start": "concepts/serving.md#how-fast",
    "sessions": "development.md",
    "showcase": "concepts/showcase.md",
    "solar_cells_leakage": "concepts/showcase.md",
}
"""Where the docs say what came out; the others are told here alone."""

SCRIPTS: Final = {"out_of_distribution_cost": "out_of_distribution"}
"""Results that are stored by a script of another name."""

MOST_ROWS: Final = 24

HEAD: Final = """\
# Benchmarks

What was measured, beside what one would pick instead: medians or values, with the spread of the
rounds or the 95 % interval. Each script of `benchmarks/` ends by storing its figures with the date,
the commit and the machine; the versions of all packages are those of `requirements.txt` at that
commit. `-dirty` says that the tree held changes that were not committed. A machine of two shared
cores drifts by a third from hour to hour: what counts are ratios of two things that took turns.

This page is written by `benchmarks/page.py`.
"""


def write_page() -> str:
    """The page as it should be."""
    results = sorted(RESULTS.glob("*.json"))
    return "\n".join([HEAD, *(_section(path) for path in results)])


def _section(path: Path) -> str:
    result = json.loads(path.read_text(encoding="utf-8"))
    machine = result.pop("machine")
    where = f"{machine['cpu']}, {machine['cores']} cores, {machine['system']}"
    when = f"{result.pop('date')[:10]}, commit `{result.pop('commit')}`"
    lines = [f"## {path.stem}", "", _about(path.stem), ""]
    lines += [f"{where}, Python {machine['python']}; {when}.", ""]
    figures = list(_figures(result))
    if figures:
        lines += ["| figure | value | from | to |", "| --- | ---: | ---: | ---: |"]
        lines += [_row(names, figure) for names, figure in figures[:MOST_ROWS]]
        lines.append("")
    file = f"`benchmarks/results/{path.name}`"
    more = len(figures) - MOST_ROWS
    left = f"{more} more, and all else that was counted, stand" if more > 0 else "All of it stands"
    discussed = DISCUSSED.get(path.stem)
    told = f"; what it means, in [{_title(discussed)}]({discussed})" if discussed else ""
    return "\n".join([*lines, f"{left} in {file}{told}.", ""])


def _about(name: str) -> str:
    """The first line of a benchmark's script."""
    script = ROOT / "benchmarks" / f"{SCRIPTS.get(name, name)}.py"
    if not script.exists():
        script = ROOT / "benchmarks" / name / "__init__.py"
    about = ast.get_docstring(ast.parse(script.read_text(encoding="utf-8"))) or ""
    return " ".join(about.split("\n\n")[0].split())


def _title(link: str) -> str:
    """Of the page that a link names."""
    page = ROOT / "docs" / link.partition("#")[0]
    return page.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")


def _figures(value: Any, names: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Whatever has a value and bounds, by the names on the way to it."""
    if not isinstance(value, dict):
        return
    if {"low", "high"} <= value.keys() and value.keys() & {"median", "value"}:
        yield names, value
        return
    for name, inner in value.items():
        yield from _figures(inner, (*names, str(name)))


def _row(names: tuple[str, ...], figure: Any) -> str:
    value = figure.get("median", figure.get("value"))
    numbers = [f"{number:.3g}" for number in (value, figure["low"], figure["high"])]
    return f"| {', '.join(name.replace('|', '/') for name in names)} | {' | '.join(numbers)} |"


if __name__ == "__main__":
    PAGE.write_text(write_page(), encoding="utf-8")
