"""The command `monitor`: watches what a model is asked, as a service or once.

Only reads arguments and shows answers; numpy, FastAPI and the rest are imported where they are
needed, so that `monitor --help` answers at once.
"""

import json
import logging
import sys
from pathlib import Path
from typing import Annotated

import typer
from mlopsproj_core.command import run_command

from mlopsproj_monitor.decision_commands import approve, decline
from mlopsproj_monitor.options import AsJson, Model, Since, Until, WindowHours, WindowImages

app = typer.Typer(
    no_args_is_help=False,
    add_completion=False,
    rich_markup_mode=None,  # help answers at once, and is not cut in a pipe
    pretty_exceptions_enable=False,
    help="Watch what a model is asked: say when it drifts, and start the way back.",
    epilog="Examples: `monitor`, `monitor --port 8081`, `monitor check`, `monitor check --json`."
    " Every flag is an environment variable too; `monitor settings` shows all of them.",
)


def main() -> None:
    """Run the command with this process's arguments; messages go to stderr."""
    logging.basicConfig(format="%(message)s")
    run_command(lambda: app(prog_name="monitor"))


@app.callback(invoke_without_command=True)
def serve(
    context: typer.Context,
    *,
    host: Annotated[str | None, typer.Option(help="Address to listen on; 127.0.0.1.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; $PORT, else 8001.")] = None,
    model: Model = None,
    registry: Annotated[str | None, typer.Option(help="URL of the registry; ./registry.")] = None,
    database: Annotated[
        str | None, typer.Option(help="URL of the prediction log; sqlite:///mlopsproj.db.")
    ] = None,
    log_level: Annotated[str | None, typer.Option(help="debug, info, warning or error.")] = None,
) -> None:
    """Watch what a model is asked, and answer over HTTP what was found.

    Ends with SIGTERM or Ctrl-C.
    """
    from mlopsproj_monitor.settings import MonitorSettings

    MonitorSettings.put_into_environment(
        {
            "host": host,
            "port": port,
            "model": model,
            "registry_url": registry,
            "database_url": database,
            "log_level": log_level,
        }
    )
    if context.invoked_subcommand is None:
        _serve()


def _serve() -> None:
    from mlopsproj_serving.process.listening import listen
    from mlopsproj_serving.process.logs import set_up_logging

    from mlopsproj_monitor.running import end_beside_threads
    from mlopsproj_monitor.running import serve as serve_here
    from mlopsproj_monitor.settings import MonitorSettings

    settings = MonitorSettings.read()
    set_up_logging(settings.log_level, service="mlopsproj_monitor")
    with listen(settings.host, settings.port, service="monitor") as listener:
        serve_here(settings, listener, _say)
    end_beside_threads()


def _say(text: str) -> None:
    typer.echo(text)
    sys.stdout.flush()


@app.command()
def check(
    *,
    model: Model = None,
    window_images: WindowImages = None,
    window_hours: WindowHours = None,
    since: Since = None,
    until: Until = None,
    alpha: Annotated[
        float | None, typer.Option(help="Chance of drift where there is none; 0.01.")
    ] = None,
    act: Annotated[
        bool,
        typer.Option("--act", help="Keep it, tell of it, and retrain, as the service does."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Check once for drift; ends with 0 for no drift, 3 for drift, 4 for not enough data.

    Times without an offset are UTC. Without --act nothing is kept, and nobody is told.

    Example: monitor check --window-images 500 --json
    """
    from mlopsproj_monitor.one_check import check_once
    from mlopsproj_monitor.settings import MonitorSettings

    MonitorSettings.put_into_environment({"model": model, "alpha": alpha})
    MonitorSettings.put_window_into_environment(window_images, window_hours)
    settings = MonitorSettings.read()
    exit_code = check_once(settings, since=since, until=until, act=act, as_json_document=as_json)
    if exit_code:
        raise typer.Exit(exit_code)


@app.command()
def report(
    out: Annotated[Path, typer.Argument(help="HTML file; replaced when all is written.")],
    *,
    model: Model = None,
    window_images: WindowImages = None,
    window_hours: WindowHours = None,
    since: Since = None,
    until: Until = None,
    evidently: Annotated[
        bool, typer.Option("--evidently", help="Evidently's report of the same window.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Write what the newest predictions look like beside the reference, as a page with figures.

    Times without an offset are UTC.

    Example: monitor report report.html --window-hours 24
    """
    from mlopsproj_monitor.report_command import write_report
    from mlopsproj_monitor.settings import MonitorSettings

    MonitorSettings.put_into_environment({"model": model})
    MonitorSettings.put_window_into_environment(window_images, window_hours)
    written = write_report(
        MonitorSettings.read(), out, since=since, until=until, evidently=evidently
    )
    if as_json:
        typer.echo(json.dumps(written, indent=2))
        return
    found = written["check"]
    typer.echo(
        f"{out} shows {found['images']:,} images of {found['model']}:{found['version']}:"
        f" {found['verdict']}."
    )


app.command()(approve)
app.command()(decline)


@app.command("settings")
def show_settings(*, as_json: AsJson = False) -> None:
    """Show every setting: its environment variable, its value, and what it means.

    Example: monitor settings
    """
    from mlopsproj_monitor.settings import MonitorSettings

    typer.echo(MonitorSettings.read().page(as_json=as_json))
