"""From what a user calls a bundle to a predictor: a folder, or a name in the registry.

Knows nothing of what is predicted.
"""

import os
from pathlib import Path

from mlopsproj_core.errors import NotFoundError
from mlopsproj_core.manifest import MANIFEST
from mlopsproj_core.predictor import Predictor
from mlopsproj_core.registry import Registry
from mlopsproj_core.settings import Settings


def find_bundle(
    reference: str | None, registry_url: str | None, *, preferred: str | None = None
) -> tuple[str, Path]:
    """Name and folder of a bundle.

    Args:
        reference: `name`, `name@alias`, `name:version`, the folder of a bundle or of a run;
            `$MLOPSPROJ_MODEL`, else the only name in the registry, unless given.
        registry_url: of the registry; from the environment unless given.
        preferred: name that is meant where it is left out and the registry holds it.

    Raises:
        NotFoundError: if there is no such model, naming the command that makes one.
        RegistryError: if the registry cannot be reached.
    """
    settings = Settings()
    reference = reference or ""
    for folder in (Path(reference), Path(reference) / "bundle"):
        if reference and (folder / MANIFEST).is_file():
            return str(folder), folder
    if "/" in reference or os.sep in reference:
        raise NotFoundError(
            f"{reference} holds no bundle: name the folder of a bundle or of a run that is done,"
            " or a model of the registry."
        )
    registry = Registry(registry_url or settings.registry_url)
    # The name may be left out: it is the environment's, else the data set's, else the only one.
    name = settings.model or (preferred if preferred in registry.names() else None)
    named = f"{name or ''}{reference}" if reference[:1] in ("", "@", ":") else reference
    version = registry.resolve(named or "@production")
    return str(version), registry.fetch(version)


def load_predictor(
    reference: str | None, registry_url: str | None, *, preferred: str | None = None
) -> tuple[str, Predictor]:
    """Name of a bundle, and a predictor over its verified bundle; errors as in `find_bundle`."""
    name, folder = find_bundle(reference, registry_url, preferred=preferred)
    return name, Predictor.load(folder)
