"""Credentials in the tree: `python infra/security/credentials.py` tells what looks like one.

Reads every text file that git keeps or would keep, with the detectors of detect-secrets and one for
the keys of this project. What looks like a credential and is none stands in `credentials.toml`,
with its reason. Nothing is tried out anywhere, and no value is printed. Knows nothing of earlier
commits.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
from detect_secrets.core.scan import scan_file
from detect_secrets.settings import transient_settings

ROOT: Final = Path(__file__).parents[2]
LIST: Final = Path(__file__).with_name("credentials.toml")

CLEAN, FOUND = 0, 3

OWN_KEY: Final = "Key of mlopsproj"
_OWN_KEY = re.compile(r"mlopsproj_[A-Za-z0-9_-]{43}(?![A-Za-z0-9_-])")  # as `api hash-key` makes it

_BINARY = frozenset({".gif", ".jpg", ".npy", ".npz", ".onnx", ".parquet", ".png", ".webp"})
# Of the detectors' own filters those that look at the value; none that a comment could turn on.
_FILTERS = (
    "detect_secrets.filters.heuristic.is_indirect_reference",
    "detect_secrets.filters.heuristic.is_likely_id_string",
    "detect_secrets.filters.heuristic.is_not_alphanumeric_string",
    "detect_secrets.filters.heuristic.is_potential_uuid",
    "detect_secrets.filters.heuristic.is_prefixed_with_dollar_sign",
    "detect_secrets.filters.heuristic.is_sequential_string",
    "detect_secrets.filters.heuristic.is_templated_secret",
)


@dataclass(frozen=True)
class Finding:
    """What looks like a credential: where, of which kind, and what it says."""

    file: str
    line: int
    kind: str
    value: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.kind}"


@dataclass(frozen=True)
class Digests:
    """Files that hold digests: what one kind of detector finds in them is no credential.

    Attributes:
        files: a pattern of paths below the root.
        kind: as the detector calls it.
        reason: why they hold such.
    """

    files: str
    kind: str
    reason: str


@dataclass(frozen=True)
class Known:
    """What is no credential.

    Attributes:
        examples: values that anyone sees to be made up, wherever they stand.
        digests: by file.
    """

    examples: frozenset[str]
    digests: tuple[Digests, ...]

    @classmethod
    def read(cls, path: Path) -> "Known":
        """From a file such as `credentials.toml`."""
        told = tomllib.loads(path.read_text(encoding="utf-8"))
        return cls(
            frozenset(told.get("examples", ())),
            tuple(Digests(**entry) for entry in told.get("digests", ())),
        )

    def covers(self, finding: Finding) -> bool:
        """Whether a finding is no credential."""
        return finding.value in self.examples or any(
            _is_of(finding, entry) for entry in self.digests
        )

    def idle(self, findings: Iterable[Finding]) -> Iterator[str]:
        """Entries that no finding needs any more."""
        found = list(findings)
        values = {finding.value for finding in found}
        yield from sorted(f"the example {value!r}" for value in self.examples - values)
        for entry in self.digests:
            if not any(_is_of(finding, entry) for finding in found):
                yield f"digests in {entry.files}"


def _is_of(finding: Finding, entry: Digests) -> bool:
    return finding.kind == entry.kind and fnmatchcase(finding.file, entry.files)


def kept_files(root: Path) -> list[str]:
    """Paths below `root` that git keeps, or would keep if they were added."""
    listed = subprocess.run(  # noqa: S603 (git, with fixed arguments)
        [_git(), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        capture_output=True,
        check=True,
    ).stdout
    names = [name.decode() for name in listed.split(b"\0") if name]
    return sorted(name for name in names if (root / name).is_file())


def _git() -> str:
    found = shutil.which("git")
    if found is None:
        raise SystemExit("git is needed to tell the repository's files from others: install it.")
    return found


def findings(root: Path, files: Iterable[str]) -> list[Finding]:
    """What looks like a credential in the text files among `files`, below `root`."""
    texts = [name for name in files if Path(name).suffix not in _BINARY]
    return [*_of_others(root, texts), *_of_ours(root, texts)]


def _of_others(root: Path, files: Iterable[str]) -> list[Finding]:
    kinds = get_mapping_from_secret_type_to_class().values()
    settings = {
        "plugins_used": [{"name": kind.__name__} for kind in kinds],
        "filters_used": [{"path": path} for path in _FILTERS],
    }
    with transient_settings(settings):
        return [
            Finding(name, found.line_number, found.type, str(found.secret_value))
            for name in files
            for found in scan_file(str(root / name))
        ]


def _of_ours(root: Path, files: Iterable[str]) -> Iterator[Finding]:
    for name in files:
        try:
            text = (root / name).read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:  # removed meanwhile
            continue
        for number, line in enumerate(text.splitlines(), start=1):
            for found in _OWN_KEY.findall(line):
                yield Finding(name, number, OWN_KEY, found)


def main() -> int:
    """Tell what is found; give the exit code."""
    parser = argparse.ArgumentParser(description="Find credentials in the tree.")
    parser.add_argument("root", nargs="?", type=Path, default=ROOT, help="of a git repository")
    parser.add_argument("--list", type=Path, default=LIST, help="what is no credential")
    arguments = parser.parse_args()
    known = Known.read(arguments.list)
    files = kept_files(arguments.root)
    found = findings(arguments.root, files)
    told = sorted({str(each) for each in found if not known.covers(each)})
    idle = list(known.idle(found))
    for line in told:
        print(f"looks like a credential: {line}")
    if told:
        print("Revoke it if it is one; if it is none, say why in infra/security/credentials.toml.")
    for line in idle:
        print(f"{arguments.list.name} tells of what is not there any more: {line}")
    if told or idle:
        return FOUND
    print(f"No credential is found in {len(files):,} files.")
    return CLEAN


if __name__ == "__main__":
    sys.exit(main())
