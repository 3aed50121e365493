"""What a process says of itself once it is ready, and what is shown of it at the start.

Knows nothing of how processes are started.
"""

from pathlib import Path

import msgspec
from mlopsproj_serving.process.settings import without_password

from mlopsproj_api.settings import ApiSettings


class Report(msgspec.Struct, frozen=True):
    """A process that answers.

    Attributes:
        model: that is served, e.g. "fashion:3"; None if there is none yet.
        strategy: by which images are computed, None without a model.
        threads: that compute.
        why: there is no model, None if there is.
    """

    model: str | None
    strategy: str | None
    threads: int
    why: str | None = None


def welcome(report: Report, settings: ApiSettings, url: str) -> str:
    """What is printed once the service answers."""
    if report.model is None:
        serves = f"nothing yet: {report.why}"
    else:
        serves = f"{report.model}, as {settings.reference} of {settings.registry_url}"
    processes = f"{settings.workers} processes, " if settings.workers > 1 else ""
    threads = f"{report.threads} thread{'s' if report.threads > 1 else ''}"
    lines = {
        "listens": f"{url} (its pages: {url}/docs)",
        "serves": serves,
        "computes": f"{processes}{threads}, strategy {report.strategy or 'not chosen yet'}",
        "logs": _where_it_logs(settings),
        "next": f"curl --data-binary @IMAGE {url}/v1/predict",
    }
    return "\n".join(f"{name:9} {text}" for name, text in lines.items())


def _where_it_logs(settings: ApiSettings) -> str:
    if not settings.log:
        return "nothing: MLOPSPROJ_API_LOG is off"
    where = f"{without_password(settings.database_url)}, by way of {Path(settings.spool_dir)}"
    if settings.image_log_url is None:
        return where
    return f"{where}; images in {settings.image_log_url}"


def report_of(said: object) -> Report:
    """What another process said of itself."""
    return msgspec.convert(said, Report)
