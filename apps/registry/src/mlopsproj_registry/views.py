"""What the registry holds, gathered as plain values, and shown as tables.

Knows nothing of arguments. Rich is imported where it draws: the list, which is asked for most, is
laid out without it.
"""

import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from mlopsproj_core.errors import BundleError, RegistryError
from mlopsproj_core.printing import printable
from mlopsproj_core.registry import ModelVersion, Registry

if TYPE_CHECKING:
    from rich.console import Console

_UNLIMITED_WIDTH = 10_000


def list_models(registry: Registry) -> list[dict[str, Any]]:
    """Name, aliases and versions of each model; of each version its accuracy and when it was made.

    A version whose manifest cannot be read is listed with its `error`, and an alias that cannot be
    read among `unreadable_aliases`.
    """
    return [_list_model(registry, name) for name in registry.names()]


def _list_model(registry: Registry, name: str) -> dict[str, Any]:
    moves, unreadable = registry.survey_aliases(name)
    aliases = {alias: move.version for alias, move in moves.items()}
    return {
        "name": name,
        "aliases": aliases,
        "unreadable_aliases": unreadable,
        "versions": [
            {
                "version": number,
                "aliases": [alias for alias, at in aliases.items() if at == number],
                **_headline(registry, ModelVersion(name, number)),
            }
            for number in registry.versions(name)
        ],
    }


def _headline(registry: Registry, version: ModelVersion) -> dict[str, Any]:
    try:
        manifest = registry.manifest(version)
    except BundleError as error:
        return {"accuracy": None, "accuracy_interval": None, "created": None, "error": str(error)}
    accuracy = manifest.metrics.get("accuracy")
    return {
        "accuracy": accuracy.value if accuracy else None,
        "accuracy_interval": [accuracy.low, accuracy.high] if accuracy else None,
        "created": manifest.created.isoformat(),
        "error": None,
    }


def describe_version(registry: Registry, reference: str) -> dict[str, Any]:
    """A version's manifest, the aliases of its model, and their history.

    An alias, or a history, that cannot be read is told among `unreadable_aliases`.
    """
    version = registry.resolve(reference)
    aliases, unreadable = registry.survey_aliases(version.name)
    history = []
    for alias in aliases:
        try:
            history += registry.history(version.name, alias)
        except RegistryError as error:
            unreadable[alias] = str(error)
    return {
        "version": str(version),
        "manifest": registry.manifest(version).model_dump(mode="json", by_alias=True),
        "aliases": {alias: move.version for alias, move in aliases.items()},
        "unreadable_aliases": unreadable,
        "history": [move.model_dump(mode="json") for move in history],
    }


def models_table(models: list[dict[str, Any]]) -> str:
    """A line for each version, in columns, under a head."""
    head = ("model", "version", "accuracy (95 % interval)", "aliases", "created")
    lines = [
        (
            model["name"],
            str(version["version"]),
            _accuracy(version),
            ", ".join(_names_of_aliases(version["aliases"], model)),
            _minute(version["created"]) if version["created"] else "",
        )
        for model in models
        for version in model["versions"]
    ]
    rows = [head, *lines]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def _names_of_aliases(pointing: list[str], model: dict[str, Any]) -> list[str]:
    """Aliases that point at a version, and those that may: nobody can tell."""
    unknown = [alias for alias in model["unreadable_aliases"] if alias not in model["aliases"]]
    return [*pointing, *(f"{alias} (unreadable)" for alias in unknown)]


def _accuracy(version: dict[str, Any]) -> str:
    if version["error"]:
        return "unreadable"
    if version["accuracy"] is None:
        return "not recorded"
    low, high = version["accuracy_interval"]
    return f"{version['accuracy']:.4f} ({low:.4f} to {high:.4f})"


def print_version(description: dict[str, Any]) -> None:
    """Show a version to a person."""
    from rich.table import Table
    from rich.text import Text

    shown = console()
    manifest = description["manifest"]
    number = int(description["version"].rpartition(":")[2])
    pointing = [alias for alias, n in description["aliases"].items() if n == number]
    facts = Table(show_header=False, box=None, title=description["version"], title_justify="left")
    image, data = manifest["image"], manifest["data"]
    counts = ", ".join(f"{count:,} {split}" for split, count in data["counts"].items())
    for name, value in (
        ("aliases", ", ".join(_names_of_aliases(pointing, description)) or "none"),
        ("created", _minute(manifest["created"])),
        ("classes", ", ".join(manifest["classes"])),
        ("image", f"{image['height']} x {image['width']} x {image['channels']}"),
        ("data", f"{data['name']}: {counts}; fingerprint {data['fingerprint'][:12]}"),
        ("parent", manifest["parent"] or "none"),
        ("git commit", manifest["git_commit"] or "unknown"),
    ):
        facts.add_row(Text(name, "cyan"), value)
    shown.print(facts)
    figures = Table("figure", "value", "95 % interval")
    for name, metric in manifest["metrics"].items():
        interval = f"{metric['low']:.4f} to {metric['high']:.4f}"
        figures.add_row(name.replace("_", " "), f"{metric['value']:.4f}", interval)
    shown.print(figures)
    history = Table("alias", "move", "version", "time", "actor", "reason", "gates")
    for move in description["history"]:
        history.add_row(
            move["alias"],
            str(move["sequence"]),
            str(move["version"]),
            _minute(move["time"]),
            move["actor"],
            move["reason"],
            _gates_in_short(move["gates"]),
        )
    shown.print(history)


def _gates_in_short(gates: Sequence[Mapping[str, Any]]) -> str:
    """How many let a version pass, and by name those that did not or were not asked."""
    passed = sum(gate.get("verdict") == "pass" for gate in gates)
    others = [
        f"{gate.get('name')} {gate.get('verdict')}"
        for gate in gates
        if gate.get("verdict") != "pass"
    ]
    return printable(", ".join([f"{passed} pass", *others])) if gates else "none"


def console() -> "Console":
    """Prints values as they are, and a table whole where it does not go to a terminal."""
    from rich.console import Console

    width = None if sys.stdout.isatty() else _UNLIMITED_WIDTH
    return Console(width=width, markup=False, emoji=False, highlight=False)


def _minute(time: str) -> str:
    """An ISO time as people read it."""
    return datetime.fromisoformat(time).astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
