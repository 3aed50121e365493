"""A folder for each class, or such folders under train, validation and test.

Knows nothing of files' contents; an image belongs to the class folder that it lies in, however
deep.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from mlopsproj_core.errors import DataError

from mlopsproj_data.records import SourceIssue
from mlopsproj_data.sources.image_files import ImageFile, Listing, parents
from mlopsproj_data.sources.labelled_files import LabelledFile, in_order
from mlopsproj_data.sources.printing import listed, plural, printable
from mlopsproj_data.sources.split_names import split_of

_MANY = 2
"""Splits that are plainly meant as such."""


@dataclass(frozen=True)
class ClassFolders:
    """What folders say of the images in them.

    Attributes:
        files: labelled images, in the order of their paths.
        classes: names of all class folders, the empty ones too, in order.
        description: what was recognised.
        issues: images that lie in no class folder, and what the listing found.
    """

    files: tuple[LabelledFile, ...]
    classes: tuple[str, ...]
    description: str
    issues: tuple[SourceIssue, ...]


def class_folders(listing: Listing) -> ClassFolders | None:
    """The arrangement of a folder, or None where its folders name no classes.

    Raises:
        DataError: if folders of splits stand beside other folders of images.
    """
    tops = {_parts(file)[0] for file in listing.files if len(_parts(file)) > 1}
    if not tops:
        return None
    splits = {top: split for top in tops if (split := split_of(top))}
    divided = {
        _parts(file)[0]
        for file in listing.files
        if len(_parts(file)) > 2 and _parts(file)[0] in splits  # noqa: PLR2004 (split/class/file)
    }
    others = sorted(tops - set(splits))
    if not others and divided:
        return _read(listing, splits)
    if not others and len(set(splits.values())) >= _MANY:
        return None  # images right under train and test: nothing names their classes
    # A single one may well be a class: trains stand beside buses.
    if len({splits[top] for top in divided}) < _MANY:
        return _read(listing, {})
    raise DataError(
        f"data.path={listing.root} holds {listed(sorted(map(printable, divided)))}, which are"
        f" splits, beside {listed([printable(name) for name in others])}: move either elsewhere,"
        " or name one of them by data.path=FOLDER."
    )


def _read(listing: Listing, splits: dict[str, str]) -> ClassFolders:
    """Label each file by the folder at the depth of the classes."""
    depth = 1 if splits else 0
    files, issues = [], list(listing.issues)
    for file in listing.files:
        parts = _parts(file)
        origin = printable(file.relative)
        if len(parts) <= depth + 1:
            issues.append(SourceIssue("no class", origin, "lies in no class folder"))
            continue
        label = printable(parts[depth])
        split = splits.get(parts[0])
        files.append(
            LabelledFile(
                file.path, file.relative, file.size, file.modified, label, split, None, origin
            )
        )
    # An empty folder is a class without images; one that holds other files only is none.
    used = {top for other in listing.others for top in parents(other)}
    named = {
        printable(parts[depth])
        for folder in listing.folders
        if len(parts := folder.split("/")) == depth + 1
        and folder not in used
        and (not splits or parts[0] in splits)
    }
    classes = in_order(named | {file.label for file in files})
    return ClassFolders(
        tuple(files), classes, _description(files, classes, splits, listing), tuple(issues)
    )


def _description(
    files: Iterable[LabelledFile],
    classes: tuple[str, ...],
    splits: dict[str, str],
    listing: Listing,
) -> str:
    under = f" under {', '.join(sorted(map(printable, splits)))}" if splits else ""
    count = sum(1 for _ in files)
    left_out = f", {plural(len(listing.others), 'other file')} left out" if listing.others else ""
    return (
        f"class folders{under}: {plural(count, 'image')} in"
        f" {plural(len(classes), 'class', 'classes')}{left_out}"
    )


def _parts(file: ImageFile) -> list[str]:
    return file.relative.split("/")
