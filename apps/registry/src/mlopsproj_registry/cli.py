"""The command `registry`: what versions there are, and which of them is in production.

Only reads arguments and shows answers; rich, numpy and the rest are imported where they are
needed, so that `registry list` answers at once.
"""

import getpass
import json
from typing import Annotated

import typer
from mlopsproj_core.command import run_command
from mlopsproj_core.errors import GateRefusedError, UndecidedError
from mlopsproj_core.registry import PRODUCTION, Registry
from mlopsproj_core.settings import Settings

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="Versions of models, and the aliases that point at them.",
    epilog="A model is written NAME:VERSION or NAME@ALIAS; NAME alone is its production.",
)

Url = Annotated[
    str | None,
    typer.Option("--registry", help="URL; $MLOPSPROJ_REGISTRY_URL, else ./registry."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]
Model = Annotated[str, typer.Argument(help="NAME:VERSION or NAME@ALIAS.")]
Alias = Annotated[str, typer.Option(help="That is moved.")]


def main() -> None:
    """Run the command with this process's arguments."""
    run_command(lambda: app(prog_name="registry"))


def _open(url: str | None) -> Registry:
    return Registry(url or Settings().registry_url)


def _print_json(document: object) -> None:
    typer.echo(json.dumps(document, indent=2, default=str))


@app.command("list")
def list_versions(registry: Url = None, *, as_json: AsJson = False) -> None:
    """List every model, its versions and aliases.

    Example: registry list --registry gs://bucket/registry
    """
    from mlopsproj_registry.views import list_models

    found = _open(registry)
    models = list_models(found)
    if as_json:
        _print_json(models)
    elif not models:
        typer.echo(f"The registry {found.url} holds no model: make one with `uv run train`.")
    else:
        for model in models:
            aliases = ", ".join(f"{alias} -> {n}" for alias, n in model["aliases"].items())
            typer.echo(
                f"{model['name']}  {len(model['versions'])} versions, newest"
                f" {model['versions'][-1]}; {aliases or 'no alias'}"
            )


@app.command()
def show(model: Model, registry: Url = None, *, as_json: AsJson = False) -> None:
    """Show a version: figures, data, aliases and their history.

    Example: registry show fashion-mnist:2
    """
    from mlopsproj_registry.views import describe_version, print_version

    description = describe_version(_open(registry), model)
    if as_json:
        _print_json(description)
    else:
        print_version(description)


@app.command()
def promote(
    model: Model,
    *,
    registry: Url = None,
    alias: Alias = PRODUCTION,
    margin: Annotated[
        float, typer.Option(min=0, max=1, help="Loss of accuracy that is accepted, 0 to 1.")
    ] = 0.005,
    reason: Annotated[str, typer.Option(help="Told in the alias's history.")] = "promoted",
    accept_undecided: Annotated[
        str | None,
        typer.Option(help="Promote also without enough evidence; the reason is recorded."),
    ] = None,
    prepared_dir: Annotated[
        str, typer.Option(help="Where prepared data sets are kept, to score production again.")
    ] = "prepared",
    as_json: AsJson = False,
) -> None:
    """Judge a version by the gates, and point an alias at it if they let it pass.

    Ends with 3 if a gate refuses, and with 4 if the evidence does not suffice.

    Example: registry promote fashion-mnist@candidate
    """
    from mlopsproj_registry.promotion import promote_version
    from mlopsproj_registry.views import print_gates

    answer = promote_version(
        _open(registry),
        model,
        alias=alias,
        margin=margin,
        actor=getpass.getuser(),
        reason=reason,
        accept_undecided=accept_undecided,
        prepared_dir=prepared_dir,
        event_url=Settings().event_url,
    )
    if as_json:
        _print_json(answer.as_dict())
    else:
        print_gates(answer)
    if answer.moved is not None:
        return
    if answer.verdict == "fail":
        raise GateRefusedError(f"{answer.version} stays where it is: a gate refused it.")
    raise UndecidedError(
        f"{answer.version} stays where it is: the evidence does not suffice. Test on more images,"
        " or take the risk by --accept-undecided REASON."
    )


@app.command()
def rollback(
    model: Annotated[str, typer.Argument(help="NAME; may be left out where there is one.")] = "",
    registry: Url = None,
    alias: Alias = PRODUCTION,
    reason: Annotated[str, typer.Option(help="Told in the alias's history.")] = "rolled back",
    *,
    as_json: AsJson = False,
) -> None:
    """Point an alias at the version before the present one.

    Example: registry rollback fashion-mnist --reason "wrong on night photographs"
    """
    from mlopsproj_registry.promotion import roll_back

    name, move = roll_back(
        _open(registry),
        model,
        alias=alias,
        actor=getpass.getuser(),
        reason=reason,
        event_url=Settings().event_url,
    )
    if as_json:
        _print_json({"name": name, **move.model_dump(mode="json")})
    else:
        typer.echo(f"{name}@{alias} points at version {move.version} again.")


@app.command()
def verify(
    model: Annotated[
        str, typer.Argument(help="NAME:VERSION or NAME@ALIAS; all unless given.")
    ] = "",
    registry: Url = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Hold every file of a version, or of all, against its recorded sha256.

    Example: registry verify
    """
    found = _open(registry)
    versions = [found.resolve(model)] if model else found.all_versions()
    for version in versions:
        found.verify(version)
    if as_json:
        _print_json({"verified": [str(version) for version in versions]})
    else:
        typer.echo(f"{len(versions)} versions verified in {found.url}.")
