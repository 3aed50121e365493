"""The command `api`: serves a model over HTTP, and looks after its prediction log.

Only reads arguments and shows answers; FastAPI, onnxruntime and the rest are imported where they
are needed, so that `api --help` answers at once.
"""

import gc
import json
import logging
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from mlopsproj_core.command import run_command
from mlopsproj_core.errors import ConfigError
from mlopsproj_core.written_time import written_time

from mlopsproj_api.database_commands import backup, restore
from mlopsproj_api.options import AsJson
from mlopsproj_api.parquet import parquet_installed

if TYPE_CHECKING:
    from mlopsproj_api.report import Report
    from mlopsproj_api.settings import ApiSettings

app = typer.Typer(
    no_args_is_help=False,
    add_completion=False,
    rich_markup_mode=None,  # help answers at once, and is not cut in a pipe
    pretty_exceptions_enable=False,
    help="Serve the model that the registry's alias points at.",
    epilog="Examples: `api`, `api --port 8080 --workers 2`, `api --model fashion-mnist@candidate`."
    " Every flag is an environment variable too; `api settings` shows all of them.",
)


def main() -> None:
    """Run the command with this process's arguments; messages go to stderr."""
    logging.basicConfig(format="%(message)s")
    run_command(lambda: app(prog_name="api"))


@app.callback(invoke_without_command=True)
def serve(
    context: typer.Context,
    *,
    host: Annotated[str | None, typer.Option(help="Address to listen on; 127.0.0.1.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; $PORT, else 8000.")] = None,
    workers: Annotated[int | None, typer.Option(help="Processes.")] = None,
    model: Annotated[
        str | None, typer.Option(help="NAME, NAME@ALIAS or @ALIAS; the only model's production.")
    ] = None,
    registry: Annotated[str | None, typer.Option(help="URL of the registry; ./registry.")] = None,
    database: Annotated[
        str | None, typer.Option(help="URL of the prediction log; sqlite:///mlopsproj.db.")
    ] = None,
    log_level: Annotated[str | None, typer.Option(help="debug, info, warning or error.")] = None,
) -> None:
    """Serve the model that the registry's alias points at.

    Ends with SIGTERM or Ctrl-C, after everything that was accepted is answered.
    """
    from mlopsproj_api.settings import ApiSettings

    ApiSettings.put_into_environment(
        {
            "host": host,
            "port": port,
            "workers": workers,
            "model": model,
            "registry_url": registry,
            "database_url": database,
            "log_level": log_level,
        }
    )
    if context.invoked_subcommand is None:
        _serve()


def _serve() -> None:
    gc.disable()  # a tenth of the start would be looking for garbage; `worker.serve` enables it
    from mlopsproj_serving.process.listening import listen, url_of
    from mlopsproj_serving.process.logs import set_up_logging

    from mlopsproj_api.settings import ApiSettings

    settings = ApiSettings.read()
    set_up_logging(settings.log_level, service="mlopsproj_api")
    with listen(settings.host, settings.port, service="api") as listener:
        url = url_of(listener)
        if settings.workers == 1:
            from mlopsproj_api.worker import serve as serve_here

            serve_here(settings, listener, lambda report: _welcome(report, settings, url))
            return
        sys.exit(_serve_by_several(settings, listener, url))


if sys.platform == "win32":

    def _serve_by_several(settings: "ApiSettings", _listener: socket.socket, _url: str) -> int:
        raise ConfigError(
            f"MLOPSPROJ_API_WORKERS is {settings.workers}: several processes need Linux or macOS."
            " Use one, which computes on all cores."
        )

else:

    def _serve_by_several(settings: "ApiSettings", listener: socket.socket, url: str) -> int:
        """Until all processes have ended; the exit code."""
        from mlopsproj_api.report import report_of
        from mlopsproj_api.supervisor import Supervisor

        return Supervisor(
            listener,
            workers=settings.workers,
            shutdown_seconds=settings.shutdown_seconds,
            ready=lambda said: _welcome(report_of(said), settings, url),
        ).run()


def _welcome(report: "Report", settings: "ApiSettings", url: str) -> None:
    from mlopsproj_api.report import welcome

    typer.echo(welcome(report, settings, url))
    sys.stdout.flush()


@app.command("settings")
def show_settings(*, as_json: AsJson = False) -> None:
    """Show every setting: its environment variable, its value, and what it means.

    Example: api settings
    """
    from mlopsproj_api.settings import ApiSettings

    typer.echo(ApiSettings.read().page(as_json=as_json))


@app.command("export-log")
def export_log(
    out: Annotated[Path, typer.Argument(help="Parquet file; replaced when all is written.")],
    *,
    since: Annotated[
        str | None,
        typer.Option(help="Only from this time on, e.g. 2026-01-31 or with T12:00+01:00."),
    ] = None,
    until: Annotated[str | None, typer.Option(help="Only before this time.")] = None,
    model: Annotated[
        str | None, typer.Option(help="Only of NAME or NAME:VERSION; all unless given.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write the prediction log as one Parquet file, with the labels that were given as feedback.

    Times without an offset are UTC.

    Example: api export-log january.parquet --since 2026-01-01 --until 2026-02-01
    """
    from mlopsproj_records.database import Database

    with parquet_installed():
        from mlopsproj_records.export import export_log as write

    from mlopsproj_api.settings import ApiSettings

    name, version = _model(model)
    with Database(ApiSettings.read().database_url) as database:
        written = write(
            database,
            out,
            model=name,
            version=version,
            since=written_time(since, "--since"),
            until=written_time(until, "--until"),
        )
    if as_json:
        answer = {
            "path": str(written.path),
            "predictions": written.predictions,
            "with_feedback": written.with_feedback,
            "bytes": written.bytes,
        }
        typer.echo(json.dumps(answer, indent=2))
        return
    typer.echo(
        f"{written.path} holds {written.predictions:,} predictions, {written.with_feedback:,} with"
        f" their true label ({written.bytes / 1e6:.1f} MB)."
    )


def _model(text: str | None) -> tuple[str | None, int | None]:
    if text is None:
        return None, None
    name, colon, version = text.partition(":")
    if not name or "@" in name or (colon and not version.isdecimal()):
        raise ConfigError(f"--model is {text!r}: write NAME or NAME:VERSION, e.g. fashion-mnist:2.")
    return name, int(version) if colon else None


@app.command()
def migrate(*, as_json: AsJson = False) -> None:
    """Bring the database of the prediction log to this release's schema.

    SQLite does so by itself; PostgreSQL only when it is told to.

    Example: MLOPSPROJ_DATABASE_URL=postgresql://localhost/mlopsproj api migrate
    """
    from mlopsproj_records.migration import current, upgrade
    from mlopsproj_serving.process.settings import without_password

    from mlopsproj_api.settings import ApiSettings

    url = ApiSettings.read().database_url
    before = current(url)
    upgrade(url)
    after = current(url)
    if as_json:
        typer.echo(json.dumps({"before": before, "after": after}))
    elif before == after:
        typer.echo(f"{without_password(url)} is at {after} already.")
    else:
        typer.echo(f"{without_password(url)} is at {after} now. Next: api")


app.command()(backup)
app.command()(restore)


@app.command("hash-key")
def hash_key(
    name: Annotated[str, typer.Argument(help="Whose key it is.")] = "key",
    *,
    as_json: AsJson = False,
) -> None:
    """Make an API key; it is shown once, and only its hash is kept.

    Example: api hash-key frontend
    """
    from mlopsproj_serving.http.keys import KeyRing, new_key

    key, digest = new_key()
    entry = f"{name}:{digest}"
    KeyRing.parse(entry)
    if as_json:
        typer.echo(json.dumps({"key": key, "entry": entry}))
        return
    typer.echo(f"key    {key}")
    typer.echo(f"entry  {entry}")
    typer.echo(
        "Give the key to whoever asks (header X-API-Key); it is not shown again. Append the entry"
        " to MLOPSPROJ_API_KEYS or MLOPSPROJ_ADMIN_KEYS, with a comma between, and start api anew."
    )
