"""Licences of what is installed: `python infra/security/licences.py` holds them against the list.

A licence is what a distribution says in its metadata, as an expression of SPDX: one of the
alternatives of an OR suffices, all parts of an AND must be allowed. What is allowed, how licences
are spelled, and each exception with its reason stand in `licences.toml`. Sees only the platform
that it runs on. Knows nothing of what a licence demands.
"""

import argparse
import ast
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Final

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression
from packaging.utils import canonicalize_name

LIST: Final = Path(__file__).with_name("licences.toml")
LOCK: Final = Path(__file__).parents[2] / "uv.lock"

ALLOWED, FORBIDDEN = 0, 3

_OURS = "mlopsproj"
_LICENCE = re.compile(r"(?<![^\s()])(?!(?:AND|OR)\s)[^\s()]+(?: WITH [^\s()]+)?")
_LONGEST = 80
"""Characters of a field that may name a licence; a longer one is its text."""


@dataclass(frozen=True)
class Exempt:
    """A distribution whose licence is not one that is allowed in general, or that says none.

    Attributes:
        licence: that it says, or that a person read where it says none.
        reason: why it may be used here all the same.
    """

    licence: str
    reason: str


@dataclass(frozen=True)
class Rules:
    """What `licences.toml` says.

    Attributes:
        allowed: identifiers of SPDX.
        spellings: SPDX for what distributions write instead, in lower case.
        exceptions: by canonical name of the distribution, or a pattern of names.
    """

    allowed: frozenset[str]
    spellings: dict[str, str]
    exceptions: dict[str, Exempt]

    @classmethod
    def read(cls, path: Path) -> "Rules":
        """From a file such as `licences.toml`."""
        told = tomllib.loads(path.read_text(encoding="utf-8"))
        return cls(
            frozenset(told["allowed"]),
            {spelling.lower(): spdx for spelling, spdx in told.get("spellings", {}).items()},
            {name: Exempt(**entry) for name, entry in told.get("exceptions", {}).items()},
        )

    def licence_of(self, distribution: Distribution) -> str | None:
        """What a distribution says of its licence, in SPDX if it can be; None if it says nothing.

        The expression counts before the free text, and that before the classifiers.
        """
        metadata = distribution.metadata
        for expression in metadata.get_all("License-Expression") or ():
            return self._as_spdx(str(expression))
        (text,) = metadata.get_all("License") or ("",)
        text = str(text).strip()
        if text and text.upper() != "UNKNOWN" and len(text) <= _LONGEST and "\n" not in text:
            return self._as_spdx(text)
        classifiers = [
            text.rsplit(" :: ", 1)[1]
            for text in metadata.get_all("Classifier") or ()
            if text.startswith("License :: OSI Approved :: ")
        ]
        told = [f"({self._as_spdx(text)})" for text in dict.fromkeys(classifiers)]
        return " AND ".join(told) or None

    def exception_of(self, name: str) -> Exempt | None:
        """The exception that was made for a distribution, if any."""
        for pattern, exception in self.exceptions.items():
            if fnmatchcase(name, pattern):
                return exception
        return None

    def allows(self, licence: str) -> bool:
        """Whether an expression is satisfied by what is allowed; one that is none is not."""
        try:
            expression = canonicalize_license_expression(licence)
        except InvalidLicenseExpression:
            return False
        # What is left are names and parentheses, AND and OR: an expression of Python's, too.
        held = _LICENCE.sub(lambda found: str(found[0] in self.allowed), expression)
        return _holds(ast.parse(re.sub("AND|OR", lambda word: word[0].lower(), held), mode="eval"))

    def _as_spdx(self, text: str) -> str:
        if text.lower() in self.spellings:
            return self.spellings[text.lower()]
        try:
            return canonicalize_license_expression(text)
        except InvalidLicenseExpression:
            return text


def complaints(rules: Rules, installed: Iterable[Distribution]) -> Iterator[str]:
    """What is not allowed, one line each."""
    for distribution in installed:
        name = canonicalize_name(distribution.name)
        if name == _OURS or name.startswith(f"{_OURS}-"):
            continue
        licence = rules.licence_of(distribution)
        exception = rules.exception_of(name)
        if exception is not None:
            if licence is not None and licence != exception.licence:
                yield (
                    f"{name} {distribution.version} says {licence}, the exception was made for"
                    f" {exception.licence}"
                )
        elif licence is None:
            yield f"{name} {distribution.version} says no licence that can be read"
        elif not rules.allows(licence):
            yield f"{name} {distribution.version} is under {licence}, which is not allowed"


def _holds(node: ast.AST) -> bool:
    match node:
        case ast.Expression(body=body):
            return _holds(body)
        case ast.BoolOp(op=ast.And(), values=parts):
            return all(map(_holds, parts))
        case ast.BoolOp(op=ast.Or(), values=parts):
            return any(map(_holds, parts))
        case ast.Constant(value=bool(value)):
            return value
    raise ValueError(ast.dump(node))


def idle_exceptions(rules: Rules, lock: Path) -> list[str]:
    """Exceptions for what no platform would get any more."""
    names = [each["name"] for each in tomllib.loads(lock.read_text("utf-8"))["package"]]
    return sorted(
        pattern
        for pattern in rules.exceptions
        if not any(fnmatchcase(name, pattern) for name in names)
    )


def main() -> int:
    """Tell what is not allowed; give the exit code."""
    parser = argparse.ArgumentParser(description="Hold installed licences against a list.")
    parser.add_argument("--list", type=Path, default=LIST, help="what is allowed")
    parser.add_argument("--lock", type=Path, default=LOCK, help="what may be installed")
    parser.add_argument(
        "--environment", type=Path, help="site-packages to look into; this Python's unless given"
    )
    arguments = parser.parse_args()
    rules = Rules.read(arguments.list)
    where = [str(arguments.environment)] if arguments.environment else sys.path
    found = {canonicalize_name(each.name): each for each in distributions(path=where)}
    installed = [found[name] for name in sorted(found)]
    idle = idle_exceptions(rules, arguments.lock)
    told = [
        *complaints(rules, installed),
        *(f"{name} is excepted, but not locked" for name in idle),
    ]
    for line in told:
        print(line)
    if told:
        print("Use another, or say in infra/security/licences.toml why it may be used.")
        return FORBIDDEN
    used = sum(rules.exception_of(name) is not None for name in found)
    print(f"Licences of {len(installed)} distributions are allowed, {used} of them as exceptions.")
    return ALLOWED


if __name__ == "__main__":
    sys.exit(main())
