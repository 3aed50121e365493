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
def run(root, tmp_path):
    """Asks for the notes of a tag; gives how that ended, and the file of the notes."""

    def ask(tag):
        changelog, output = tmp_path / "CHANGELOG.md", tmp_path / "notes.md"
        changelog.write_text(CHANGELOG)
        command = ["infra/github/release_notes.py", tag, "--output", str(output)]
        done = subprocess.run(
            [sys.executable, *command, "--changelog", str(changelog)],
            cwd=root,
            capture_output=True,
            text=True,
            check=False,
        )
        return done, output

    return ask


def test_the_section_is_the_notes(run):
    done, output = run("v0.2.0")
    assert (done.returncode, done.stderr) == (0, "")
    assert output.read_text() == "- A page more.\n\n### Mended\n\n- It counts.\n"


def test_a_tag_of_which_nothing_is_told_is_refused(run):
    done, output = run("v0.3.0")
    assert done.returncode == 1
    assert "no section 0.3.0" in done.stderr
    assert not output.exists()


@pytest.mark.parametrize(
    ("version", "said"), [("0.0.1", "nothing stands"), ("0.3.0", "no section")]
)
def test_a_version_of_which_nothing_is_told(script, version, said):
    with pytest.raises(ValueError, match=said):
        script("release_notes").notes(CHANGELOG, version)


def test_the_changelog_is_one(script, root):
    text = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    assert script("release_notes").notes(text, "Unreleased").startswith("- ")
