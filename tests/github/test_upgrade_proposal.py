"""An upgrade becomes a branch and a pull request: git is real, `gh` notes what it is told."""

import json
import os
import shutil
import subprocess
import sys

import pytest
import yaml
from cloned_repository import ClonedRepository

PYPROJECT = '[tool.uv]\nexclude-newer = "{date}T00:00:00Z"\n'
BEFORE = "numpy==2.3.0 \\\n    --hash=sha256:00\nruff==0.11.0 \\\n    --hash=sha256:00\n"
AFTER = "numpy==2.4.0 \\\n    --hash=sha256:11\nuv==0.12.2 ; sys_platform == 'linux' \\\n"

GH = """#!{python}
import json, os, sys
folder = os.environ["TOLD"]
with open(os.path.join(folder, "told"), "a") as file:
    file.write(json.dumps(sys.argv[1:]) + "\\n")
if sys.argv[1:3] == ["pr", "list"]:
    print(open(os.path.join(folder, "open")).read())
"""

needs_posix = pytest.mark.skipif(os.name == "nt", reason="the stand-in of gh is a script")
needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


class Repository(ClonedRepository):
    """A clone with something to propose, its origin, and a `gh` that answers for GitHub."""

    def __init__(self, folder, root):
        super().__init__(folder)
        self.told = folder / "told"
        self.made = folder / "made"
        self._script = root / "infra" / "github" / "upgrade_proposal.py"
        tools = folder / "bin"
        for path in (tools, self.told):
            path.mkdir()
        (tools / "gh").write_text(GH.format(python=sys.executable))
        (tools / "gh").chmod(0o755)
        path = os.pathsep.join([str(tools), os.environ["PATH"]])
        self._environment = {**os.environ, "PATH": path, "TOLD": str(self.told)}
        self.write("2026-11-17", BEFORE, self.clone)
        (self.clone / "program.py").write_text("ours\n")
        self.write("2026-11-17", BEFORE)
        self.commit_all()
        self.git("push", "--quiet", "origin", "HEAD:main")
        self.opened([])

    def write(self, date, requirements, folder=None):
        """What the job before hands over, unless it is another folder's."""
        folder = folder or self.made
        pins = folder / "infra" / "images" / "pins"
        pins.mkdir(parents=True, exist_ok=True)
        (folder / "pyproject.toml").write_text(PYPROJECT.format(date=date))
        (folder / "requirements.txt").write_text(requirements)
        (pins / "api.txt").write_text(requirements)

    def opened(self, pull_requests):
        (self.told / "open").write_text(json.dumps(pull_requests))

    def propose(self):
        """What the script says, and what it told gh."""
        said = subprocess.run(
            [sys.executable, str(self._script), str(self.made)],
            cwd=self.clone,
            env=self._environment,
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        file = self.told / "told"
        told = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
        file.unlink(missing_ok=True)
        return said, told


@pytest.fixture
def repository(tmp_path, root):
    return Repository(tmp_path, root)


def test_what_changed(script):
    assert script("upgrade_proposal").changes(BEFORE, AFTER) == [
        "numpy: 2.3.0 → 2.4.0",
        "ruff: 0.11.0 → gone",
        "uv: new → 0.12.2",
    ]


def test_a_distribution_of_two_versions(script):
    before = "scipy==1.17.0 ; python_version < '3.12'\nscipy==1.18.0 ; python_version >= '3.12'\n"
    after = before.replace("1.18.0", "1.18.1")
    assert script("upgrade_proposal").changes(before, after) == [
        "scipy: 1.17.0, 1.18.0 → 1.17.0, 1.18.1"
    ]


@needs_git
@needs_posix
def test_nothing_changed(repository):
    said, told = repository.propose()
    assert said.startswith("Nothing to propose")
    assert told == []


@needs_git
@needs_posix
def test_the_first_proposal_and_the_next(repository):
    repository.write("2026-12-07", AFTER)
    (repository.made / "program.py").write_text("theirs\n")
    (repository.made / "infra" / "images" / "pins" / "other.py").write_text("theirs\n")
    said, told = repository.propose()
    assert said == "Upgrade to the releases of 2026-12-07: 3 distributions change.\n"
    changed = repository.git("diff", "--name-only", "main", "upgrade", at=repository.origin)
    assert changed.split() == ["infra/images/pins/api.txt", "pyproject.toml", "requirements.txt"]
    assert (repository.clone / "program.py").read_text() == "ours\n"
    author = repository.git("log", "-1", "--format=%an", "upgrade", at=repository.origin)
    assert author.strip() == "github-actions[bot]"
    listed, created, started = told
    assert listed[:4] == ["pr", "list", "--head", "upgrade"]
    assert created[:4] == ["pr", "create", "--head", "upgrade"]
    assert "--title=Upgrade to the releases of 2026-12-07" in created
    assert "- numpy: 2.3.0 → 2.4.0" in created[-1]
    assert started == ["workflow", "run", "ci.yml", "--ref", "upgrade"]

    repository.git("switch", "--quiet", "main")
    repository.opened([{"number": 7}])
    repository.write("2026-12-14", BEFORE)
    said, told = repository.propose()
    assert said == "Upgrade to the releases of 2026-12-14: 0 distributions change.\n"
    assert [words[:3] for words in told] == [
        ["pr", "list", "--head"],
        ["pr", "edit", "7"],
        ["workflow", "run", "ci.yml"],
    ]
    log = repository.git("log", "--format=%s", "upgrade", at=repository.origin)
    assert log.splitlines() == ["Upgrade to the releases of 2026-12-14", "first"]


@needs_posix
def test_a_link_is_not_taken(script, tmp_path):
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "requirements.txt").symlink_to("/etc/passwd")
    with pytest.raises(ValueError, match="no plain file"):
        script("upgrade_proposal").take(tmp_path / "made", tmp_path)


def test_what_is_proposed_is_what_is_handed_over(script, root):
    flow = yaml.safe_load((root / ".github" / "workflows" / "upgrade.yml").read_text("utf-8"))
    (handed,) = [
        step["with"]["path"].split()
        for step in flow["jobs"]["resolve"]["steps"]
        if "upload-artifact" in step.get("uses", "")
    ]
    files = script("upgrade_proposal").FILES
    assert [name.rstrip("/") for name in handed] == files
    assert all((root / name).exists() for name in files)
