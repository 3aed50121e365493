"""Whether what is in production loads on this machine, and computes what it should.

What lies elsewhere is fetched into a temporary folder. Knows nothing of how it is served.
"""

import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from mlopsproj_core.errors import MlopsprojError
from mlopsproj_core.predictor import Predictor
from mlopsproj_core.registry import PRODUCTION, Registry

from mlopsproj_doctor.check_process import FOLDER
from mlopsproj_doctor.findings import Finding, fail, ok
from mlopsproj_doctor.places import local_folder
from mlopsproj_doctor.variables import DoctorSettings


def examine() -> Iterator[Finding]:
    """Load what the registry that the environment names has in production."""
    settings = DoctorSettings()
    if local_folder(settings.registry_url) is not None:
        yield from examine_production(Registry(settings.registry_url), settings.model)
        return
    with tempfile.TemporaryDirectory(prefix="doctor-", dir=os.environ.get(FOLDER)) as folder:
        registry = Registry(settings.registry_url, cache=Path(folder))
        yield from examine_production(registry, settings.model)


def examine_production(registry: Registry, model: str | None) -> Iterator[Finding]:
    """Load, verify and probe the versions that would be served.

    Args:
        registry: that holds them.
        model: content of `MLOPSPROJ_MODEL`; every model's production is loaded unless given.
    """
    references = [_served(model)] if model else _in_production(registry)
    if not references:
        yield ok("model", "nothing is in production yet")
    for reference in references:
        begin = time.perf_counter()
        try:
            version = registry.resolve(reference)
            predictor = Predictor.load(registry.fetch(version))
        except MlopsprojError as error:
            yield fail(reference, str(error))
            continue
        seconds = time.perf_counter() - begin
        image = predictor.manifest.image
        yield ok(
            reference,
            f"{version} loads and passes its probe on this machine, in {seconds:.1f} s"
            f" ({image.height} x {image.width} x {image.channels},"
            f" {len(predictor.manifest.classes)} classes)",
        )


def _served(model: str) -> str:
    """As the service understands it."""
    return model if "@" in model or ":" in model else f"{model}@{PRODUCTION}"


def _in_production(registry: Registry) -> list[str]:
    """An alias that cannot be read is told by the check of the registry."""
    return [
        f"{name}@{PRODUCTION}"
        for name in registry.names()
        if PRODUCTION in registry.survey_aliases(name)[0]
    ]
