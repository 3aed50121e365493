"""What is installed: members of one release, and what they need in versions that they accept.

Goes by the metadata of the installed distributions; imports none of them.
"""

import platform
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata
from typing import Final

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from mlopsproj_doctor.findings import Finding, fail, ok, warn

MEMBER: Final = "mlopsproj-"

EXTRAS: Final = {
    "bentoml": "a bundle as a BentoML service",
    "efficientnet": "EfficientNet-Lite0 with its weights",
    "evidently": "Evidently's report of a window",
    "gcs": "registry and images in Google Cloud Storage",
    "parquet": "exports and backups of the prediction log",
    "postgresql": "PostgreSQL as the database",
    "solar-cells": "photos of solar cells",
    "timm": "any network of timm",
    "torch": "prepared data for training",
    "tracing": "OpenTelemetry",
}
"""What an extra of some member gives."""

_TOLD: Final = (
    "numpy",
    "onnxruntime",
    "pillow",
    "pydantic",
    "sqlalchemy",
    "fsspec",
    "pyarrow",
    "fastapi",
    "torch",
    "pytorch-lightning",
    "hydra-core",
    "wandb",
)
"""Packages whose version is told where they are installed; all are held against the floors."""

_MEND: Final = "In the repository: `uv sync`. Elsewhere: `pip install --upgrade` what is named."


@dataclass(frozen=True, slots=True)
class Package:
    """A distribution as it is installed.

    Attributes:
        name: in lower case, with hyphens.
        version: as it says itself.
        requires: what it asks for, each as in a `pyproject.toml`.
        extras: that it offers.
        python: versions of Python that it accepts; empty for all.
    """

    name: str
    version: str
    requires: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
    python: str = ""


def examine() -> Iterator[Finding]:
    """Look at what is installed here."""
    yield from examine_packages(installed(), platform.python_version())


def installed() -> list[Package]:
    """Every distribution that can be imported here; the first of a name counts."""
    found: dict[str, Package] = {}
    for distribution in metadata.distributions():
        told = distribution.metadata
        title, version = _field(told, "Name"), _field(told, "Version")
        if not title or not version:  # what a removal has left
            continue
        name = canonicalize_name(title)
        found.setdefault(
            name,
            Package(
                name,
                version,
                tuple(distribution.requires or ()),
                tuple(told.get_all("Provides-Extra") or ()),
                _field(told, "Requires-Python"),
            ),
        )
    return list(found.values())


def _field(told: metadata.PackageMetadata | None, name: str) -> str:
    """Content of a field; empty where there is none."""
    return next(iter((told and told.get_all(name)) or ()), "")


def examine_packages(packages: Sequence[Package], python: str) -> Iterator[Finding]:
    """Hold packages against each other.

    Args:
        packages: that are installed.
        python: version of Python.
    """
    versions = {package.name: package.version for package in packages}
    members = sorted(
        (package for package in packages if package.name.startswith(MEMBER)),
        key=lambda member: member.name,
    )
    yield _release(members)
    for accepted in sorted({member.python for member in members}):
        if not SpecifierSet(accepted).contains(python, prereleases=True):
            mend = f"Use a Python that is {accepted}: `uv python install`."
            yield fail("python", f"{python} is not supported", mend)
    wrong = sorted({line for member in members for line in _unmet(member, versions)})
    for line in wrong:
        yield fail("packages", line, _MEND)
    if not wrong:
        told = ", ".join(f"{name} {versions[name]}" for name in _TOLD if name in versions)
        yield ok("packages", f"all needed are there, new enough: {told}")
    yield from _extras(members, versions)


def _release(members: Sequence[Package]) -> Finding:
    versions = sorted({member.version for member in members})
    names = ", ".join(member.name.removeprefix(MEMBER) for member in members)
    if len(versions) == 1:
        return ok("mlopsproj", f"{versions[0]}: {names}")
    each = ", ".join(f"{member.name.removeprefix(MEMBER)} {member.version}" for member in members)
    return fail("mlopsproj", f"members of different releases: {each}", _MEND)


def _unmet(member: Package, versions: dict[str, str]) -> Iterator[str]:
    for requirement in _requirements(member, extra=""):
        yield from _complaint(requirement, versions)


def _complaint(requirement: Requirement, versions: dict[str, str]) -> Iterator[str]:
    name = canonicalize_name(requirement.name)
    found = versions.get(name)
    if found is None:
        yield f"{name} is needed, and not installed"
        return
    try:
        version = Version(found)
    except InvalidVersion:  # somebody's own build: nothing is known of it
        return
    if not requirement.specifier.contains(version, prereleases=True):
        yield f"{name} is {found}, and {requirement.specifier} is needed"


def _extras(members: Iterable[Package], versions: dict[str, str]) -> Iterator[Finding]:
    """What an extra asks of other members only, they tell themselves."""
    there: set[str] = set()
    missing: dict[str, str] = {}
    for member in members:
        for extra in member.extras:
            needs = [r for r in _requirements(member, extra) if not r.name.startswith(MEMBER)]
            if not needs:
                continue
            if any(canonicalize_name(need.name) not in versions for need in needs):
                missing[extra] = member.name
                continue
            there.add(extra)
            for need in needs:
                for line in _complaint(need, versions):
                    yield warn(f"extra {extra}", line, _MEND)
    if there:
        yield ok("extras", ", ".join(sorted(there)))
    if missing:
        each = ", ".join(_described(extra, member) for extra, member in sorted(missing.items()))
        yield ok("may be added", f"{each}: `uv sync --all-extras`, or `pip install`")


def _described(extra: str, member: str) -> str:
    gives = f" ({EXTRAS[extra]})" if extra in EXTRAS else ""
    return f"{member}[{extra}]{gives}"


def _requirements(member: Package, extra: str) -> list[Requirement]:
    """What a member asks for: always if `extra` is empty, else for it alone."""
    found = []
    for requirement in map(Requirement, member.requires):
        marker = requirement.marker
        always = marker is None or marker.evaluate({"extra": ""})
        if always if not extra else (not always and marker and marker.evaluate({"extra": extra})):
            found.append(requirement)
    return found
