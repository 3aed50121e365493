"""The subcommands that copy the prediction log out of its database, and into another.

Only reads arguments and shows answers.
"""

import json
import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mlopsproj_api.options import AsJson
from mlopsproj_api.parquet import parquet_installed

if TYPE_CHECKING:
    from mlopsproj_records.backup_format import BackupManifest

logger = logging.getLogger(__name__)


def backup(
    folder: Annotated[Path, typer.Argument(help="That is made; it must not be there.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Write all of the prediction log to a folder, while services go on.

    Records that still wait in this machine's spool are not in it, and are counted.

    Example: api backup backups/2026-11-30
    """
    from mlopsproj_core.errors import RecordsError

    with parquet_installed():
        from mlopsproj_records.backup import back_up
    from mlopsproj_records.unmoved import count_unmoved
    from mlopsproj_serving.process.settings import without_password

    from mlopsproj_api.settings import ApiSettings

    settings = ApiSettings.read()
    with _progress("backing up") as report:
        made = back_up(settings.database_url, folder, lambda done: report(done, None))
    waiting: int | None = None
    try:
        waiting = count_unmoved(Path(settings.spool_dir), settings.database_url)
    except RecordsError as error:  # the backup is whole
        logger.warning("warning: nobody knows what waits in the spool: %s", error)
    if as_json:
        _print_json(
            {
                "path": str(made.path),
                "database": without_password(settings.database_url),
                **_described(made.manifest),
                "bytes": made.bytes,
                "waiting_in_spool": waiting,
            }
        )
    else:
        typer.echo(f"{made.path} holds {_counts(made.manifest)} ({made.bytes / 1e6:.1f} MB).")
        typer.echo(f"Next: api --database URL restore {made.path}")
    if waiting:
        logger.warning(
            "warning: %d records wait in the spool %s, and are not in the backup: a service that"
            " runs moves them to the database.",
            waiting,
            settings.spool_dir,
        )


def restore(
    folder: Annotated[Path, typer.Argument(help="That `api backup` wrote.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Put a backup into an empty database, all of it or nothing.

    Example: api --database postgresql://localhost/mlopsproj restore backups/2026-11-30
    """
    from mlopsproj_records.migration import HEAD

    with parquet_installed():
        from mlopsproj_records.restoration import restore as put_back
    from mlopsproj_serving.process.settings import without_password

    from mlopsproj_api.settings import ApiSettings

    url = ApiSettings.read().database_url
    with _progress("restoring") as report:
        manifest = put_back(url, folder, report)
    if as_json:
        _print_json({"database": without_password(url), **_described(manifest), "schema_now": HEAD})
    else:
        typer.echo(
            f"{without_password(url)} holds {_counts(manifest)} now, as of"
            f" {manifest.time:%Y-%m-%d %H:%M} UTC. Next: api"
        )


def _described(manifest: "BackupManifest") -> dict[str, Any]:
    return {
        "time": manifest.time.isoformat(),
        "schema": manifest.revision,
        "rows": {name: part.rows for name, part in sorted(manifest.tables.items())},
    }


def _counts(manifest: "BackupManifest") -> str:
    rows = {name: part.rows for name, part in manifest.tables.items()}
    return f"{rows['prediction']:,} predictions and {rows['feedback']:,} labels"


def _print_json(document: object) -> None:
    typer.echo(json.dumps(document, indent=2))


@contextmanager
def _progress(title: str) -> Iterator[Callable[[int, int | None], None]]:
    """A bar on stderr, gone when it is done; nothing where nobody looks."""
    if not sys.stderr.isatty():
        yield lambda _done, _total: None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(
        *columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True
    ) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
