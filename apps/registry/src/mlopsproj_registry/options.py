"""Options that several subcommands take. Knows nothing of what they do."""

from typing import Annotated

import typer

Url = Annotated[
    str | None,
    typer.Option("--registry", help="URL; $MLOPSPROJ_REGISTRY_URL, else ./registry."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]
