"""A table that a person filled in, as feedback in the prediction log.

Knows nothing of arguments or of how answers are shown.
"""

from collections.abc import Callable
from functools import cache
from pathlib import Path

from mlopsproj_core.actor import current_actor
from mlopsproj_core.errors import DataError, MlopsprojError
from mlopsproj_core.model_version import ModelVersion
from mlopsproj_core.registry import Registry
from mlopsproj_core.settings import Settings
from mlopsproj_data.labelling.filled_table import Told, tell_labels
from mlopsproj_data.labelling.log_location import LogLocation


def tell(log: LogLocation, table: Path, actor: str | None, *, new_classes: bool) -> Told:
    """Record the labels of a table, checked against the classes of the models.

    Args:
        log: that is written to.
        table: that was filled in.
        actor: who says so; who runs this unless given.
        new_classes: whether any label is taken.

    Raises:
        DataError: if a row is wrong, or the classes are not known; nothing is recorded then.
        RecordsError: if the log cannot be used.
    """
    with log.open() as database:
        classes_of = None if new_classes else _classes_of(Registry(Settings().registry_url))
        return tell_labels(database, table, actor or current_actor(), classes_of=classes_of)


def _classes_of(registry: Registry) -> Callable[[str, int], tuple[str, ...]]:
    @cache
    def classes_of(model: str, version: int) -> tuple[str, ...]:
        try:
            return registry.manifest(ModelVersion(model, version)).classes
        except MlopsprojError as error:
            raise DataError(
                f"Which classes {model}:{version} has, the registry does not tell ({error}): name"
                " it by MLOPSPROJ_REGISTRY_URL, or take labels unchecked by --new-classes."
            ) from error

    return classes_of
