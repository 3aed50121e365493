"""What no file of the repository may hold."""

import re
import shutil
import subprocess

import pytest

LARGEST_BYTES = 2 * 2**20
LARGER_BYTES = {
    "packages/data/src/": 6 * 2**20,  # the embedded sample
    "docs/js/": 3 * 2**20,  # what draws diagrams, since a page asks no other host
}

INDEX_ADDRESS = re.compile(
    rb"pypi\.org/simple|files\.pythonhosted\.org|download\.pytorch\.org|(extra-)?index-url\s*=",
)
# The rule itself is written down here.
EXEMPT = {"tests/arch/test_repository.py"}


@pytest.fixture(scope="module")
def files(root):
    if shutil.which("git") is None or not (root / ".git").exists():
        pytest.skip("git is needed to tell the repository's files from others")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        capture_output=True,
        check=True,
    ).stdout
    names = [name.decode() for name in listed.split(b"\0") if name]
    return {name: root / name for name in names if (root / name).is_file()}


def test_no_file_names_a_package_index(files):
    found = [
        name
        for name, path in files.items()
        if name not in EXEMPT and INDEX_ADDRESS.search(path.read_bytes())
    ]
    assert not found


def test_the_lock_that_records_addresses_is_not_kept(files):
    assert "uv.lock" not in files


def test_what_commands_write_in_a_clone_is_not_offered_to_git(root, files):
    """The database of predictions above all: it holds what others asked."""
    written = ["runs/a", "sweeps/a", "optimizations/a", "evaluations/a", "prepared/a", "registry/a"]
    written += ["mlopsproj.db", "mlopsproj.db-wal", "spool/a", "photos/a.png", "to-label/a.png"]
    told = subprocess.run(
        ["git", "check-ignore", *written], cwd=root, capture_output=True, text=True, check=False
    )
    assert told.stdout.split() == written


def test_files_are_small(files):
    for name, path in files.items():
        larger = (size for folder, size in LARGER_BYTES.items() if name.startswith(folder))
        allowed = next(larger, LARGEST_BYTES)
        assert path.stat().st_size <= allowed, f"{name} is too large for a repository"


def test_no_pickle(files):
    assert not [name for name in files if name.endswith((".pkl", ".pickle", ".joblib"))]


def test_requirements_carry_hashes_and_no_address(root):
    text = (root / "requirements.txt").read_text()
    pins = re.findall(r"^[a-z0-9].*==", text, re.MULTILINE)
    assert len(pins) > 100
    assert text.count("--hash=sha256:") >= len(pins)
    assert "://" not in text
