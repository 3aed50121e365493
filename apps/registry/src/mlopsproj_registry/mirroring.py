"""The subcommands of the mirror at Weights & Biases, and the mirroring of moves by the others.

Only reads arguments and shows answers. The mirror is an extra: without it nothing here asks for it.
"""

import json
import logging
import os
from typing import TYPE_CHECKING, Annotated

import typer
from mlopsproj_core.actor import current_actor
from mlopsproj_core.errors import ConfigError, GateRefusedError, MirrorError, UndecidedError
from mlopsproj_core.registry import Registry
from mlopsproj_core.settings import Settings

from mlopsproj_registry.options import AsJson, Url

if TYPE_CHECKING:
    from mlopsproj_mirror import Pulled, Push, Service

logger = logging.getLogger(__name__)

mirror = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Versions and aliases, mirrored at Weights & Biases.",
)

Target = Annotated[
    str | None,
    typer.Option(help="Registry of W&B, ENTITY/REGISTRY; $MLOPSPROJ_WANDB_REGISTRY."),
]
Name = Annotated[str, typer.Argument(help="NAME of a model; all unless given.")]

_MISSING = (
    "The mirror at W&B is not installed: install mlopsproj-registry[wandb], or run `uv sync`."
)


def mirror_move(registry: Registry, name: str) -> None:
    """Mirror a move of an alias that was made, if a mirror is wished; never fails."""
    wanted = Settings().wandb_registry
    if wanted is None:
        return
    try:
        from mlopsproj_mirror import mirror_changes
    except ModuleNotFoundError:
        logger.warning("Not mirrored to %s: %s", wanted, _MISSING)
        return
    mirror_changes(registry, wanted, [name])


@mirror.command()
def push(
    model: Name = "", registry: Url = None, target: Target = None, *, as_json: AsJson = False
) -> None:
    """Add what W&B lacks: versions, and where the aliases point.

    Example: registry mirror push --target my-team/model
    """
    service = _service(target)
    from mlopsproj_mirror import push as push_all

    found = _open(registry)
    answer = push_all(found, service, names=_names(found, model))
    if as_json:
        typer.echo(json.dumps(answer.as_dict(), indent=2))
    else:
        _show_push(answer, service)


@mirror.command()
def pull(
    model: Name = "",
    registry: Url = None,
    target: Target = None,
    *,
    accept_undecided: Annotated[
        str | None,
        typer.Option(help="Promote also without enough evidence; the reason is recorded."),
    ] = None,
    prepared_dir: Annotated[
        str,
        typer.Option(help="Where prepared data sets are kept, to score other versions again."),
    ] = "prepared",
    as_json: AsJson = False,
) -> None:
    """Promote what somebody gave an alias at W&B, if the gates let it pass.

    What a gate refuses is set back there. Ends with 1 if anything failed, else with 3 if anything
    was set back, and with 4 if the evidence does not suffice. The gates take their limits from the
    variables MLOPSPROJ_GATE_….

    Example: registry mirror pull
    """
    service = _service(target)
    from mlopsproj_evaluation.gates import GateLimits
    from mlopsproj_mirror import Terms
    from mlopsproj_mirror import pull as pull_all

    from mlopsproj_registry.prepared_images import finder

    found = _open(registry)
    terms = Terms(
        pulled_by=current_actor(),
        limits=GateLimits.from_environment(os.environ),
        accept_undecided=accept_undecided,
        event_url=Settings().event_url,
        find_test_images=finder(prepared_dir),
    )
    answers: list[Pulled] = []
    for answer in pull_all(found, service, terms, names=_names(found, model)):
        answers.append(answer)
        if not as_json:
            _show_pulled(answer)
    if as_json:
        typer.echo(json.dumps([answer.as_dict() for answer in answers], indent=2))
    elif not answers:
        typer.echo("Nobody moved an alias in W&B.")
    _end(answers)


def _service(target: str | None) -> "Service":
    wanted = target or Settings().wandb_registry
    if not wanted:
        raise ConfigError(
            "No registry of W&B is named: give --target ENTITY/REGISTRY, e.g. my-team/model, or"
            " set MLOPSPROJ_WANDB_REGISTRY."
        )
    try:
        from mlopsproj_mirror import Service
        from mlopsproj_mirror import Target as Named
    except ModuleNotFoundError as error:
        raise ConfigError(_MISSING) from error
    return Service(Named.parse(wanted))


def _open(url: str | None) -> Registry:
    return Registry(url or Settings().registry_url)


def _names(registry: Registry, model: str) -> list[str] | None:
    """The model that is meant, which must be there; None for all."""
    name = model or Settings().model
    if not name:
        return None
    if "@" in name or ":" in name:
        raise ConfigError(f"mirror takes the NAME of a model, not {name!r}: all of it is mirrored.")
    if not registry.versions(name):
        registry.resolve(f"{name}:1")  # raises what there is instead
    return [name]


def _show_push(answer: "Push", service: "Service") -> None:
    for version in answer.uploaded:
        typer.echo(f"{version}  added")
    for alias, number in answer.moved.items():
        typer.echo(f"{alias}  points at version {number}")
    for sentence in answer.told:
        logger.warning("warning: %s", sentence)
    if not answer.uploaded and not answer.moved:
        typer.echo(f"Nothing was to be added or moved in {service.target} at W&B.")


def _show_pulled(answer: "Pulled") -> None:
    from mlopsproj_registry.gate_views import print_gates

    if answer.promotion is not None:
        print_gates(answer.promotion)
        if answer.promotion.moved is not None:
            return
    typer.echo(f"{answer.alias}  {answer.outcome}: {answer.detail}")


def _end(answers: "list[Pulled]") -> None:
    """Raise what the command ends with, if it is no plain yes."""
    by_outcome = {
        outcome: ", ".join(answer.alias for answer in answers if answer.outcome == outcome)
        for outcome in ("failed", "refused", "set back", "undecided")
    }
    if by_outcome["failed"]:
        raise MirrorError(
            f"Not pulled: {by_outcome['failed']}. Mend what is told of each, and pull again."
        )
    no = ", ".join(filter(None, (by_outcome["refused"], by_outcome["set back"])))
    if no:
        raise GateRefusedError(f"Moved in W&B, and not here: {no}.")
    if by_outcome["undecided"]:
        raise UndecidedError(
            f"The evidence does not suffice for {by_outcome['undecided']}. Test on more images,"
            " take the risk by --accept-undecided REASON, or move the alias back in W&B."
        )
