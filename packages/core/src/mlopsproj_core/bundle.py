"""A bundle: the folder that goes from training to serving, and the only thing that does.

`seal_bundle` makes one of a folder that holds the files; `Bundle.open` reads one back.
Knows nothing of registries, and of the files' contents only the manifest's.
"""

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from mlopsproj_core.errors import BundleCorruptError
from mlopsproj_core.image import ImageSpec
from mlopsproj_core.local_files import put_in_place
from mlopsproj_core.manifest import (
    MANIFEST,
    DataSummary,
    Manifest,
    Metric,
    Parity,
    complaints,
    parse_manifest,
)

MODEL: Final = "model.onnx"
EVALUATION: Final = "evaluation.parquet"
REFERENCE: Final = "reference.parquet"
TRAINING_IDS: Final = "training_ids.npy"
MODEL_CARD: Final = "model_card.md"
PROBE: Final = "probe/expected.npz"

ROBUSTNESS: Final = "robustness.parquet"
"""Not in every bundle: those of earlier releases lack it."""

PERTURBED: Final = "perturbed.parquet"
"""Not in every bundle: those of earlier releases lack it."""

REQUIRED: Final = (MODEL, EVALUATION, REFERENCE, TRAINING_IDS, MODEL_CARD, PROBE)
"""Every bundle holds these beside its manifest."""

_DRAFT = f".{MANIFEST}."


@dataclass(frozen=True)
class Bundle:
    """A sealed folder and its manifest.

    Attributes:
        path: the folder.
        manifest: what it says of itself.
    """

    path: Path
    manifest: Manifest

    @classmethod
    def open(cls, path: str | Path) -> "Bundle":
        """Read the manifest of a bundle; `verify` reads the rest.

        Raises:
            BundleCorruptError: if there is no bundle in `path` or its manifest is broken.
            BundleSchemaError: if another release must be used to read it.
        """
        folder = Path(path)
        try:
            text = (folder / MANIFEST).read_bytes()
        except OSError as error:
            raise BundleCorruptError(
                f"{folder} holds no bundle ({MANIFEST}: {error.strerror}): give the folder that"
                " a run or the registry wrote."
            ) from error
        return cls(folder, parse_manifest(text, str(folder / MANIFEST)))

    def verify(self) -> None:
        """Hold every file against its recorded sha256.

        Raises:
            BundleCorruptError: naming every file that is missing, unreadable or changed.
        """
        found = "; ".join(damages(self.manifest.files, lambda file: sha256_of(self.path / file)))
        if found:
            raise BundleCorruptError(
                f"The bundle {self.path} is damaged: {found}. Fetch or publish it again."
            )


def damages(files: Mapping[str, str], digest: Callable[[str], str]) -> Iterator[str]:
    """What is wrong with the files of a bundle, wherever they lie; nothing if it is whole.

    Args:
        files: the sha256 that its manifest says of each.
        digest: gives the sha256 of what the file holds now; what it raises but OSError is raised.
    """
    yield from (f"{file} is not in the manifest" for file in REQUIRED if file not in files)
    for file, expected in files.items():
        try:
            found = digest(file)
        except FileNotFoundError:
            yield f"{file} is missing"
        except OSError as error:
            yield f"{file} cannot be read ({error.strerror or error})"
        else:
            if found != expected:
                yield (
                    f"{file} was changed (its sha256 is {found[:12]}…, the manifest says"
                    f" {expected[:12]}…)"
                )


def seal_bundle(
    folder: Path,
    *,
    name: str,
    classes: tuple[str, ...],
    image: ImageSpec,
    metrics: Mapping[str, Metric],
    data: DataSummary,
    parity: Parity | None = None,
    parent: str | None = None,
    config: Mapping[str, Any] | None = None,
    git_commit: str | None = None,
    packages: Mapping[str, str] | None = None,
) -> Bundle:
    """Make a bundle of a folder that already holds every required file.

    The manifest is written last and at once, so that a half-made folder is never a bundle.

    Raises:
        BundleCorruptError: if a required file is missing, or the manifest would not be valid.
    """
    files = _sha256_of_all(folder)
    missing = [required for required in REQUIRED if required not in files]
    if missing:
        raise BundleCorruptError(
            f"The bundle in {folder} lacks {', '.join(missing)}: write them before it is sealed."
        )
    try:
        manifest = Manifest(
            name=name,
            classes=classes,
            image=image,
            metrics=dict(metrics),
            data=data,
            parity=parity,
            parent=parent,
            config=dict(config or {}),
            git_commit=git_commit,
            packages=dict(packages or {}),
            created=datetime.now(UTC),
            files=files,
        )
    except ValidationError as error:
        raise BundleCorruptError(
            f"The bundle in {folder} cannot be sealed: {complaints(error)}."
        ) from error
    text = manifest.to_json().encode()
    # As its readers will see it: JSON knows no tuples, and no number that is none.
    manifest = parse_manifest(text, str(folder / MANIFEST))
    draft = folder / f"{_DRAFT}{os.getpid()}"
    try:
        draft.write_bytes(text)
        put_in_place(draft, folder / MANIFEST)
    finally:
        draft.unlink(missing_ok=True)
    return Bundle(folder, manifest)


def _sha256_of_all(folder: Path) -> dict[str, str]:
    """Of every file but the manifest, and drafts of it that a process left when it was killed."""
    files = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name != MANIFEST and not name.startswith(_DRAFT):
            files[name] = sha256_of(path)
    return files


def sha256_of(path: Path) -> str:
    """Hexadecimal sha256 of a file, read in pieces.

    Raises:
        OSError: if it cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
