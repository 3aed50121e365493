"""What looks like a credential is found, told without its value, and passed with a reason only."""

import shutil
import subprocess
from base64 import b64encode
from hashlib import sha512

import pytest
from mlopsproj_serving.http.keys import new_key

FOUND = 3
NOTHING = "examples = []\n"


@pytest.fixture
def tree(tmp_path):
    """A repository of its own, and a list that passes nothing."""
    if shutil.which("git") is None:
        pytest.skip("git is needed to tell the repository's files from others")
    place = tmp_path / "tree"
    place.mkdir()
    subprocess.run(["git", "init", "--quiet", place], check=True)
    (tmp_path / "list.toml").write_text(NOTHING)
    return place


PLANTED = {
    "a key of ours": new_key()[0],
    "a key of AWS": "AKIA" + "Z7Q4T2LXW9KD3M6B",
    "a token of GitHub": "ghp_" + "x7Kq2mV9" * 4 + "aB3d",
    "a password in a URL": "postgresql://app:" + "kXq82mmz" + "@db.example/app",
}


@pytest.mark.parametrize("value", PLANTED.values(), ids=PLANTED)
def test_what_is_planted_is_found_and_not_printed(tree, tmp_path, check, value):
    (tree / "settings.py").write_text(f'"""Settings."""\nURL = "{value}"\n')
    code, told = check("credentials", tree, "--list", tmp_path / "list.toml")
    assert code == FOUND
    assert "settings.py:2: " in told
    assert value not in told


def test_a_private_key_is_found(tree, tmp_path, check):
    body = b64encode(sha512(b"planted").digest()).decode()
    kind = "RSA PRIVATE KEY-----"
    (tree / "id_rsa").write_text(f"-----BEGIN {kind}\n{body}\n{body}\n-----END {kind}\n")
    code, told = check("credentials", tree, "--list", tmp_path / "list.toml")
    assert (code, "id_rsa:" in told, body in told) == (FOUND, True, False)


def test_a_comment_cannot_pass_it(tree, tmp_path, check):
    line = f'KEY = "{PLANTED["a key of AWS"]}"  # pragma: allowlist secret\n'
    (tree / "settings.py").write_text(line)
    assert check("credentials", tree, "--list", tmp_path / "list.toml")[0] == FOUND


def test_what_git_ignores_is_not_looked_at(tree, tmp_path, check):
    (tree / ".gitignore").write_text("mine.env\n")
    (tree / "mine.env").write_text(f"KEY={PLANTED['a key of AWS']}\n")
    code, told = check("credentials", tree, "--list", tmp_path / "list.toml")
    assert (code, "1 files" in told) == (0, True)


def test_an_example_is_passed_and_told_once_it_is_gone(tree, tmp_path, check):
    (tmp_path / "list.toml").write_text('examples = ["kXq82mmz"]\n')
    (tree / "a.md").write_text(PLANTED["a password in a URL"])
    assert check("credentials", tree, "--list", tmp_path / "list.toml")[0] == 0
    (tree / "a.md").write_text("nothing")
    code, told = check("credentials", tree, "--list", tmp_path / "list.toml")
    assert code == FOUND
    assert "the example 'kXq82mmz'" in told


def test_digests_are_passed_in_the_files_that_hold_them_only(tree, tmp_path, check):
    (tmp_path / "list.toml").write_text(
        '[[digests]]\nfiles = "pins.txt"\nkind = "Hex High Entropy String"\nreason = "digests"\n'
    )
    digest = f'"{sha512(b"planted").hexdigest()}"\n'
    (tree / "pins.txt").write_text(digest)
    assert check("credentials", tree, "--list", tmp_path / "list.toml")[0] == 0
    (tree / "other.txt").write_text(digest)
    code, told = check("credentials", tree, "--list", tmp_path / "list.toml")
    assert (code, "other.txt:1" in told, "pins.txt" in told) == (FOUND, True, False)
