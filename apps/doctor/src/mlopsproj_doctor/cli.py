"""The command `doctor`: what this machine and installation have, and what to mend.

Only reads arguments and shows answers; what looks at anything runs in processes of its own.
"""

import json
import signal
from typing import Annotated, Final

import typer
from mlopsproj_core.command import run_command
from mlopsproj_core.errors import ConfigError, MlopsprojError

LONGEST_SECONDS: Final = 86_400

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,  # help answers at once, and is not cut in a pipe
    help="What this machine and installation have, and what to mend.",
)


def main() -> None:
    """Run the command with this process's arguments."""
    signal.signal(signal.SIGTERM, _interrupt)
    run_command(lambda: app(prog_name="doctor"))


def _interrupt(*_: object) -> None:
    """As Ctrl-C does: what was started is ended, and what is temporary removed."""
    raise KeyboardInterrupt


@app.command()
def doctor(
    *,
    quick: Annotated[
        bool, typer.Option("--quick", help="Do not load the models in production.")
    ] = False,
    timeout: Annotated[
        float | None,
        typer.Option(min=0.1, help="Seconds that a check may be silent; its own unless given."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document and nothing else.")
    ] = False,
) -> None:
    """Look at machine, installation, settings, registry, database and disk.

    Makes and changes nothing. Ends with 1 if a line fails, with 0 if there are only warnings.

    Example: doctor --quick
    """
    if timeout is not None and not timeout <= LONGEST_SECONDS:  # nor what is no number
        raise ConfigError(f"--timeout is {timeout:g}: write seconds, {LONGEST_SECONDS} at most.")
    from mlopsproj_doctor.checks import CHECKS
    from mlopsproj_doctor.examination import examine
    from mlopsproj_doctor.findings import State, worst
    from mlopsproj_doctor.page import as_document, print_page, summary

    groups = examine([check for check in CHECKS if not (quick and check.is_slow)], timeout)
    if as_json:
        typer.echo(json.dumps(as_document(groups), indent=2))
    else:
        print_page(groups)
    if worst([finding for group in groups for finding in group.findings]) is State.FAIL:
        raise MlopsprojError(f"{summary(groups)} What to mend stands beside each.")
    if not as_json:
        typer.echo(summary(groups))
