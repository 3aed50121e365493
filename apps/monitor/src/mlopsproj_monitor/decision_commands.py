"""The subcommands by which a person decides of a retraining.

Only reads arguments and shows answers.
"""

import json
from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer
from mlopsproj_core.actor import current_actor
from mlopsproj_core.errors import RecordsError

from mlopsproj_monitor.options import AsJson

if TYPE_CHECKING:
    from mlopsproj_records.retraining import Retraining, Retrainings

Id = Annotated[
    str | None, typer.Argument(help="Of the retraining; the one that waits, if there is one.")
]
Reason = Annotated[str | None, typer.Option(help="Told with the retraining.")]

_NEXT: Final = {
    "approve": "A running monitor starts it now; without one, `monitor check --act` does.",
    "decline": "What runs already, if anything, is not ended by it.",
}


def approve(retraining: Id = None, *, reason: Reason = None, as_json: AsJson = False) -> None:
    """Let a retraining begin that waits for it.

    Example: monitor approve --reason "new camera since Monday"
    """
    _decide("approve", retraining, reason, as_json=as_json)


def decline(retraining: Id = None, *, reason: Reason = None, as_json: AsJson = False) -> None:
    """Have a retraining not begin; or give one up that began.

    Example: monitor decline --reason "the lens was dirty"
    """
    _decide("decline", retraining, reason, as_json=as_json)


def _decide(
    verb: Literal["approve", "decline"], id_: str | None, reason: str | None, *, as_json: bool
) -> None:
    from mlopsproj_records.database import Database
    from mlopsproj_records.retraining import Retrainings

    from mlopsproj_monitor.settings import MonitorSettings

    with Database(MonitorSettings.read().database_url) as database:
        retrainings = Retrainings(database)
        wanted = id_ or _only_one(retrainings)
        decide = retrainings.approve if verb == "approve" else retrainings.decline
        decided = decide(wanted, actor=current_actor(), reason=reason)
    if as_json:
        typer.echo(json.dumps(_document(decided), indent=2))
        return
    typer.echo(
        f"{decided.id} is {decided.state}: {decided.how}, for {decided.model}:{decided.version}."
    )
    typer.echo(_NEXT[verb])


def _only_one(retrainings: "Retrainings") -> str:
    from mlopsproj_records.retraining import WAITING

    waiting = retrainings.recent(states=(WAITING,))
    if len(waiting) == 1:
        return waiting[0].id
    if not waiting:
        raise RecordsError("No retraining waits for a decision.")
    ids = ", ".join(f"{each.id} ({each.model}:{each.version})" for each in waiting)
    raise RecordsError(f"{len(waiting)} retrainings wait: name one of {ids}.")


def _document(decided: "Retraining") -> dict[str, object]:
    import msgspec

    document: dict[str, object] = msgspec.to_builtins(decided)
    return document
