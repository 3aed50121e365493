"""Options that several subcommands take. Knows nothing of what they do."""

from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]
Model = Annotated[
    str | None,
    typer.Option(help="NAME, NAME@ALIAS or NAME:VERSION; the only model's production."),
]
WindowImages = Annotated[
    int | None, typer.Option(help="Newest images in the window; 1,000 unless hours are given.")
]
WindowHours = Annotated[float | None, typer.Option(help="Hours that the window reaches back.")]
Since = Annotated[
    str | None,
    typer.Option(help="Only from this time on, e.g. 2026-01-31 or with T12:00+01:00."),
]
Until = Annotated[str | None, typer.Option(help="Only before this time.")]
