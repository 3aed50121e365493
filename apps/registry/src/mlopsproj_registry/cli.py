"""The command `registry`: what versions there are, and which of them is in production.

Only reads arguments and shows answers; rich, numpy and the rest are imported where they are
needed, so that `registry list` answers at once.
"""

import json
import logging
import os
import sys
from typing import Annotated

import typer
from mlopsproj_core.actor import current_actor
from mlopsproj_core.command import run_command
from mlopsproj_core.errors import RegistryError
from mlopsproj_core.registry import PRODUCTION, Registry
from mlopsproj_core.settings import Settings

from mlopsproj_registry.gate_options import (
    CalibrationMargin,
    ClassMargin,
    LatencyRatio,
    LatencySeconds,
    Margin,
    RobustnessMargin,
    SizeRatio,
    Without,
)
from mlopsproj_registry.mirroring import mirror, mirror_move
from mlopsproj_registry.options import AsJson, Url
from mlopsproj_registry.upkeep import backup, gc, restore

logger = logging.getLogger(__name__)

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # help answers at once, and is not cut in a pipe
    help="Versions of models, and the aliases that point at them.",
    epilog="A model is written NAME:VERSION or NAME@ALIAS; NAME alone is its production.",
)

Model = Annotated[str, typer.Argument(help="NAME:VERSION or NAME@ALIAS.")]
Alias = Annotated[str, typer.Option(help="That is moved.")]
PreparedDir = Annotated[
    str, typer.Option(help="Where prepared data sets are kept, to score other versions again.")
]


def main() -> None:
    """Run the command with this process's arguments; messages go to stderr."""
    logging.basicConfig(format="%(message)s")
    for name in (
        "mlopsproj_core",
        "mlopsproj_evaluation",
        "mlopsproj_mirror",
        "mlopsproj_registry",
    ):
        logging.getLogger(name).setLevel(logging.INFO)
    if sys.stderr.isatty():
        # An event is a long line of JSON for programs; a person reads the answer.
        logging.getLogger("mlopsproj_core.events").setLevel(logging.WARNING)
    run_command(lambda: app(prog_name="registry"))


def _open(url: str | None) -> Registry:
    return Registry(url or Settings().registry_url)


def _full(model: str) -> str:
    """A model as it was written, with `$MLOPSPROJ_MODEL` where the name was left out."""
    return f"{Settings().model or ''}{model}" if model[:1] in ("", "@", ":") else model


def _print_json(document: object) -> None:
    typer.echo(json.dumps(document, indent=2))


def _warn(unreadable: dict[str, str]) -> None:
    for error in unreadable.values():
        logger.warning("warning: %s", error)


@app.command("list")
def list_versions(registry: Url = None, *, as_json: AsJson = False) -> None:
    """List all versions with their accuracy and aliases.

    Example: registry list --registry gs://bucket/registry
    """
    from mlopsproj_registry.views import list_models, models_table

    found = _open(registry)
    models = list_models(found)
    for model in models:
        _warn(model["unreadable_aliases"])
    if as_json:
        _print_json(models)
    elif models:
        typer.echo(models_table(models))
    else:
        typer.echo(f"{found.url} holds no model: make one with `uv run train`.")


@app.command()
def show(model: Model, registry: Url = None, *, as_json: AsJson = False) -> None:
    """Show a version and the history of its aliases.

    Example: registry show fashion-mnist:2
    """
    from mlopsproj_registry.views import describe_version, print_version

    description = describe_version(_open(registry), _full(model))
    _warn(description["unreadable_aliases"])
    if as_json:
        _print_json(description)
    else:
        print_version(description)


@app.command()
def compare(
    first: Annotated[str, typer.Argument(help="NAME:VERSION or NAME@ALIAS.")],
    second: Annotated[str, typer.Argument(help="The same; differences are this less the first.")],
    *,
    registry: Url = None,
    speed: Annotated[
        bool, typer.Option("--speed/--no-speed", help="Time both, which takes seconds.")
    ] = True,
    prepared_dir: PreparedDir = "prepared",
    as_json: AsJson = False,
) -> None:
    """Show two versions beside each other.

    What they say is compared on the test images that both were judged on; speed is measured here
    and now.

    Example: registry compare fashion-mnist@production fashion-mnist@candidate
    """
    from mlopsproj_registry.comparison_views import print_comparison
    from mlopsproj_registry.prepared_images import finder
    from mlopsproj_registry.version_comparison import compare_versions

    found = compare_versions(
        _open(registry),
        _full(first),
        _full(second),
        speed=speed,
        find_test_images=finder(prepared_dir),
    )
    if as_json:
        _print_json(found)
    else:
        print_comparison(found)


@app.command()
def promote(
    model: Model,
    *,
    registry: Url = None,
    alias: Alias = PRODUCTION,
    margin: Margin = None,
    class_margin: ClassMargin = None,
    calibration_margin: CalibrationMargin = None,
    robustness_margin: RobustnessMargin = None,
    size_ratio: SizeRatio = None,
    latency_ratio: LatencyRatio = None,
    latency_seconds: LatencySeconds = None,
    without: Without = None,
    reason: Annotated[str, typer.Option(help="Told in the alias's history.")] = "promoted",
    accept_undecided: Annotated[
        str | None,
        typer.Option(help="Promote also without enough evidence; the reason is recorded."),
    ] = None,
    force: Annotated[
        str | None,
        typer.Option(help="Promote also against gates that refuse; the reason is recorded."),
    ] = None,
    prepared_dir: PreparedDir = "prepared",
    as_json: AsJson = False,
) -> None:
    """Point an alias at a version if the gates let it pass.

    Ends with 3 if a gate refuses, and with 4 if the evidence does not suffice. A bundle that is
    broken is never promoted, whatever the reason.

    Example: registry promote fashion-mnist@candidate
    """
    from mlopsproj_evaluation.gates import GateLimits
    from mlopsproj_evaluation.promotion import promote_version

    from mlopsproj_registry.gate_views import print_gates, refusal
    from mlopsproj_registry.prepared_images import finder

    limits = GateLimits.from_environment(
        os.environ,
        without=tuple(without or ()),
        margin=margin,
        class_margin=class_margin,
        calibration_margin=calibration_margin,
        robustness_margin=robustness_margin,
        size_ratio=size_ratio,
        latency_ratio=latency_ratio,
        latency_seconds=latency_seconds,
    )
    found = _open(registry)
    answer = promote_version(
        found,
        _full(model),
        alias=alias,
        actor=current_actor(),
        reason=reason,
        event_url=Settings().event_url,
        limits=limits,
        usual=GateLimits.from_environment(os.environ),
        accept_undecided=accept_undecided,
        force=force,
        find_test_images=finder(prepared_dir),
    )
    if as_json:
        _print_json(answer.as_dict())
    else:
        print_gates(answer)
    if answer.moved is None:
        raise refusal(answer, alias)
    mirror_move(found, answer.version.name)


@app.command()
def rollback(
    model: Annotated[str, typer.Argument(help="NAME; may be left out where there is one.")] = "",
    registry: Url = None,
    alias: Alias = PRODUCTION,
    reason: Annotated[str, typer.Option(help="Told in the alias's history.")] = "rolled back",
    *,
    as_json: AsJson = False,
) -> None:
    """Point an alias at the version before.

    Example: registry rollback fashion-mnist --reason "wrong on night photographs"
    """
    from mlopsproj_evaluation.promotion import roll_back

    found = _open(registry)
    name, move = roll_back(
        found,
        _full(model),
        alias=alias,
        actor=current_actor(),
        reason=reason,
        event_url=Settings().event_url,
    )
    if as_json:
        _print_json({"name": name, **move.model_dump(mode="json")})
    else:
        typer.echo(f"{name}@{alias} points at version {move.version} again.")
    mirror_move(found, name)


@app.command()
def verify(
    model: Annotated[
        str, typer.Argument(help="NAME:VERSION or NAME@ALIAS; all unless given.")
    ] = "",
    registry: Url = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Hold every file against its recorded sha256.

    Without a model, every version is held, and every alias must point at one. Names all that is
    broken, and ends with 1 if anything is.

    Example: registry verify
    """
    from mlopsproj_registry.verification import verify_registry

    found = _open(registry)
    answer = verify_registry(found, _full(model) if model else None)
    if as_json:
        _print_json({"verified": answer.verified, "broken": answer.broken})
    else:
        for name in answer.verified:
            typer.echo(f"{name}  whole")
        for name, reason in answer.broken.items():
            typer.echo(f"{name}  broken: {reason}")
    if answer.broken:
        raise RegistryError(f"Broken in {found.url}: {', '.join(answer.broken)}.")


app.command()(gc)
app.command()(backup)
app.command()(restore)
app.add_typer(mirror, name="mirror")
