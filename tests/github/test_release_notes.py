"""What a tag releases."""

import subprocess
import sys

import pytest

CHANGELOG = """# Changelog

## Unreleased

## 0.2.0 (2026-12-24)

- A page more.

### Mended

- It counts.

## 0.1.0

- The first.

## 0.0.1

"""


@pytest.fixture
def repository(tmp_path):
    for folder, name in {"": "all", "packages/core": "core", "apps/api": "api"}.items():
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        text = f'[project]\nname = "{name}"\nversion = "0.2.0"\n'
        (tmp_path / folder / "pyproject.toml").write_text(text)
    (tmp_path / "CHANGELOG.md").write_text(CHANGELOG)
    return tmp_path


def run(root, repository, tag):
    command = ["infra/github/release_notes.py", tag, "--output", str(repository / "notes.md")]
    return subprocess.run(
        [sys.executable, *command, "--root", str(repository)],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_section_is_the_notes(root, repository):
    done = run(root, repository, "v0.2.0")
    assert (done.returncode, done.stderr) == (0, "")
    text = (repository / "notes.md").read_text()
    assert text == "- A page more.\n\n### Mended\n\n- It counts.\n"


@pytest.mark.parametrize("tag", ["v0.3.0", "0.2.0", "v0.2"])
def test_a_tag_that_is_not_the_version_is_refused(root, repository, tag):
    done = run(root, repository, tag)
    assert done.returncode == 1
    assert f"The tag {tag} is not v and the version" in done.stderr
    assert not (repository / "notes.md").exists()


def test_a_member_that_was_forgotten_is_named(root, repository):
    (repository / "apps" / "api" / "pyproject.toml").write_text('[project]\nversion = "0.1.0"\n')
    done = run(root, repository, "v0.2.0")
    assert done.returncode == 1
    assert done.stderr.splitlines()[1:] == ["apps/api/pyproject.toml: 0.1.0"]


@pytest.mark.parametrize(
    ("version", "said"), [("0.0.1", "nothing stands"), ("0.3.0", "no section")]
)
def test_a_version_of_which_nothing_is_told(script, version, said):
    with pytest.raises(ValueError, match=said):
        script("release_notes").notes(CHANGELOG, version)


def test_every_version_of_this_repository_is_one(script, root):
    assert len(set(script("release_notes").versions(root).values())) == 1


def test_the_changelog_is_one(script, root):
    text = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    assert script("release_notes").notes(text, "Unreleased").startswith("- ")
