"""What the registry holds, gathered as plain values, and shown as tables.

Knows nothing of arguments. Rich is imported where a table is drawn.
"""

from typing import TYPE_CHECKING, Any

from mlopsproj_core.registry import Registry

if TYPE_CHECKING:
    from mlopsproj_registry.promotion import Promotion

_COLOURS = {"pass": "green", "fail": "red", "undecided": "yellow"}


def list_models(registry: Registry) -> list[dict[str, Any]]:
    """Name, versions and aliases of each model."""
    return [
        {
            "name": name,
            "versions": registry.versions(name),
            "aliases": {alias: move.version for alias, move in registry.aliases(name).items()},
        }
        for name in registry.names()
    ]


def describe_version(registry: Registry, reference: str) -> dict[str, Any]:
    """A version's manifest, the aliases of its model, and their history."""
    version = registry.resolve(reference)
    aliases = registry.aliases(version.name)
    return {
        "version": str(version),
        "manifest": registry.manifest(version).model_dump(mode="json", by_alias=True),
        "aliases": {alias: move.version for alias, move in aliases.items()},
        "history": [
            move.model_dump(mode="json")
            for alias in aliases
            for move in registry.history(version.name, alias)
        ],
    }


def print_version(description: dict[str, Any]) -> None:
    """Show a version to a person."""
    from rich.console import Console
    from rich.table import Table

    console = Console()
    manifest = description["manifest"]
    number = int(description["version"].rpartition(":")[2])
    pointing = [alias for alias, n in description["aliases"].items() if n == number]
    facts = Table(show_header=False, box=None, title=description["version"], title_justify="left")
    image, data = manifest["image"], manifest["data"]
    for name, value in (
        ("aliases", ", ".join(pointing) or "none"),
        ("created", manifest["created"]),
        ("classes", ", ".join(manifest["classes"])),
        ("image", f"{image['height']} x {image['width']} x {image['channels']}"),
        ("data", f"{data['name']} {data['counts']}, fingerprint {data['fingerprint'][:12]}"),
        ("parent", manifest["parent"] or "none"),
        ("git commit", manifest["git_commit"] or "unknown"),
    ):
        facts.add_row(f"[cyan]{name}[/cyan]", value)
    console.print(facts)
    figures = Table("figure", "value", "95 % interval")
    for name, metric in manifest["metrics"].items():
        interval = f"{metric['low']:.4f} to {metric['high']:.4f}"
        figures.add_row(name.replace("_", " "), f"{metric['value']:.4f}", interval)
    console.print(figures)
    history = Table("alias", "move", "version", "time", "actor", "reason")
    for move in description["history"]:
        history.add_row(
            move["alias"],
            str(move["sequence"]),
            str(move["version"]),
            move["time"][:19],
            move["actor"],
            move["reason"],
        )
    console.print(history)


def print_gates(answer: "Promotion") -> None:
    """Show what the gates found to a person."""
    from rich.console import Console
    from rich.table import Table

    against = f"against {answer.champion}" if answer.champion else "first of its alias"
    title = f"{answer.version} {against}"
    table = Table("gate", "verdict", "measured", "limit", "why", title=title, title_justify="left")
    for gate in answer.gates:
        verdict = gate.verdict.value
        coloured = f"[{_COLOURS[verdict]}]{verdict}[/]"
        table.add_row(gate.name, coloured, gate.figure, gate.limit, gate.detail)
    console = Console()
    console.print(table)
    if answer.moved is not None:
        alias = f"{answer.version.name}@{answer.moved.alias}"
        console.print(f"{alias} points at version {answer.moved.version} now.")
