"""The subcommands that keep a registry: what nobody needs is removed, all of it is copied and back.

Only reads arguments and shows answers.
"""

import json
import logging
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer
from mlopsproj_core.actor import current_actor
from mlopsproj_core.errors import ConfigError, RegistryError
from mlopsproj_core.registry import Registry
from mlopsproj_core.settings import Settings

from mlopsproj_registry.options import AsJson, Url

if TYPE_CHECKING:
    from mlopsproj_core.archive import Copied
    from mlopsproj_core.garbage import Garbage, Survey

logger = logging.getLogger(__name__)

_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
_AGE = re.compile(r"(?P<number>[0-9]{1,6})(?P<unit>[hdw])")
_KINDS = {
    "version": "nobody needs it",
    "unfinished": "its publication was never finished",
    "half removed": "its removal was interrupted",
}


def gc(
    registry: Url = None,
    *,
    older_than: Annotated[
        str, typer.Option(help="Only what was published so long ago: 30d, 12h or 4w.")
    ] = "30d",
    yes: Annotated[
        bool, typer.Option("--yes", help="Remove it; without, it is only shown what would go.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show versions that nobody needs, or remove them.

    Needed is what an alias points at or may be rolled back to (of the candidate, only what it
    points at), what those were made from, and the newest version of each model.

    Example: registry gc --older-than 90d --yes
    """
    from mlopsproj_core.garbage import find_garbage, remove_garbage

    age = _age(older_than)
    found = Registry(registry or Settings().registry_url)
    survey = find_garbage(found, age)
    for error in survey.unreadable.values():
        logger.warning("warning: %s", error)
    removed: list[Garbage] = []
    for garbage in survey.garbage if not yes else ():
        _say(_line(garbage), as_json)
    try:
        for garbage in remove_garbage(found, survey, actor=current_actor()) if yes else ():
            removed.append(garbage)
            _say(f"removed {_line(garbage)}", as_json)
    finally:  # also what went before an error
        if as_json:
            _print_answer(found, survey, removed if yes else None)
    if as_json:
        return
    if not survey.garbage:
        typer.echo(
            f"Nothing in {found.url} can go: {_count(len(survey.kept), 'version')}, all needed or"
            f" younger than {older_than}."
        )
    elif yes:
        typer.echo(f"{_total(removed)} removed from {found.url}.")
    else:
        typer.echo(f"{_total(survey.garbage)} would go. Nothing was removed: that takes --yes.")


def backup(
    target: Annotated[str, typer.Argument(help="A folder, or any fsspec URL.")],
    registry: Url = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Copy all versions and aliases elsewhere.

    Again, it copies what is new; nothing is overwritten. The registry may be used meanwhile. Ends
    with 1, naming it, if something damaged was left out.

    Example: registry backup gs://backups/registry
    """
    from mlopsproj_core.archive import back_up

    source = registry or Settings().registry_url
    with _progress("copying") as report:
        done = back_up(source, target, report)
    _tell(done, source, target, as_json=as_json)


def restore(
    source: Annotated[str, typer.Argument(help="Where the backup is.")],
    registry: Url = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Copy a backup into an empty registry.

    A registry that holds nothing but a part of this backup is completed.

    Example: registry restore gs://backups/registry --registry ./registry
    """
    from mlopsproj_core.archive import restore as copy_back

    target = registry or Settings().registry_url
    with _progress("restoring") as report:
        done = copy_back(source, target, report)
    _tell(done, source, target, as_json=as_json)


def _age(text: str) -> timedelta:
    match = _AGE.fullmatch(text)
    if match is None:
        raise ConfigError(
            f"--older-than is {text!r}: write hours, days or weeks, e.g. 12h, 30d, 4w."
        )
    try:
        age = int(match["number"]) * _UNITS[match["unit"]]
        datetime.now(UTC) - age
    except OverflowError:
        raise ConfigError(
            f"--older-than is {text!r}, from before any calendar: write less, e.g. 52w."
        ) from None
    return age


def _line(garbage: "Garbage") -> str:
    published = garbage.published.date().isoformat() if garbage.published else "unknown"
    return f"{garbage.version}  {published}  {_size(garbage.bytes)}  {_KINDS[garbage.kind]}"


def _total(garbage: "tuple[Garbage, ...] | list[Garbage]") -> str:
    size = _size(sum(each.bytes for each in garbage))
    return f"{_count(len(garbage), 'version')}, {size},"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _print_answer(found: Registry, survey: "Survey", removed: "Sequence[Garbage] | None") -> None:
    gone = {garbage.version for garbage in removed or ()}
    _print_json(
        {
            "registry": found.url,
            "garbage": [
                {**_described(garbage), "removed": garbage.version in gone}
                for garbage in survey.garbage
            ],
            "bytes": sum(each.bytes for each in (survey.garbage if removed is None else removed)),
            "kept": {str(version): why for version, why in survey.kept.items()},
            "unreadable": dict(survey.unreadable),
        }
    )


def _described(garbage: "Garbage") -> dict[str, Any]:
    return {
        "version": str(garbage.version),
        "kind": garbage.kind,
        "bytes": garbage.bytes,
        "published": garbage.published.isoformat() if garbage.published else None,
    }


def _tell(done: "Copied", source: str, target: str, *, as_json: bool) -> None:
    if as_json:
        _print_json({"source": source, "target": target, **asdict(done)})
    else:
        typer.echo(
            f"{target}: {_count(len(done.versions), 'version')} and"
            f" {_count(done.moves, 'move')} of aliases copied ({_size(done.bytes)}),"
            f" {_count(len(done.already), 'version')} there already.\n"
            f"Next: registry verify --registry {target}"
        )
    if done.left_out:
        reasons = "; ".join(f"{name}: {why}" for name, why in done.left_out.items())
        raise RegistryError(
            f"Left out of {target}: {reasons}. Publish again what is damaged in {source}, or move"
            " the alias elsewhere."
        )


def _size(size: int) -> str:
    return f"{size / 1e6:,.1f} MB" if size >= 100_000 else f"{size / 1e3:,.1f} kB"  # noqa: PLR2004 (from where MB read better)


def _say(line: str, as_json: bool) -> None:  # noqa: FBT001 (the flag of the command)
    if not as_json:
        typer.echo(line)


def _print_json(document: object) -> None:
    typer.echo(json.dumps(document, indent=2))


@contextmanager
def _progress(title: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on stderr, gone when it is done; nothing where nobody looks."""
    if not sys.stderr.isatty():
        yield lambda _done, _total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Progress(
        *columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True
    ) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
