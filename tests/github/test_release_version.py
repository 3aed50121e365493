"""One version: of every member, and of what they ask of one another."""

import subprocess
import sys
import tomllib

import pytest

MEMBERS = {
    "": ["mlopsproj-api[gcs]", "mlopsproj-core"],
    "packages/core": ["numpy>=2.0"],
    "apps/api": ["mlopsproj-core==0.2.0", "rich>=13.9"],
}


@pytest.fixture
def repository(tmp_path):
    for folder, asked in MEMBERS.items():
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        wanted = "".join(f'    "{each}",\n' for each in asked)
        extra = '\n[project.optional-dependencies]\ngcs = ["mlopsproj-core[gcs]==0.2.0"] # there\n'
        (tmp_path / folder / "pyproject.toml").write_text(
            f'[project]\nname = "{folder}"\nversion = "0.2.0"\ndependencies = [\n{wanted}]\n'
            f'{extra if folder == "apps/api" else ""}\n[tool.other]\nversion = "7"\n'
        )
    return tmp_path


@pytest.fixture
def run(root, repository):
    def call(*arguments):
        return subprocess.run(
            [sys.executable, "infra/github/release_version.py", *arguments, "--root", repository],
            cwd=root,
            capture_output=True,
            text=True,
            check=False,
        )

    return call


def texts(repository):
    return {path: path.read_text() for path in repository.rglob("pyproject.toml")}


def test_the_tag_of_the_version(run):
    done = run("--check", "v0.2.0")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("tag", ["v0.3.0", "0.2.0", "v0.2", "vv0.2.0", "v0.2.0; true"])
def test_another_tag_is_refused(run, repository, tag):
    before = texts(repository)
    assert run("--check", tag).returncode == 1
    assert texts(repository) == before


@pytest.mark.parametrize(
    ("found", "forgotten", "said"),
    [
        ('version = "0.2.0"', 'version = "0.1.0"', "version 0.1.0"),
        ("core==0.2.0", "core==0.1.0", "mlopsproj-core==0.1.0"),
        ("core==0.2.0", "core", "mlopsproj-core"),
        ("core==0.2.0", "core>=0.2.0", "mlopsproj-core>=0.2.0"),
        ("core[gcs]==0.2.0", "core[gcs]", "mlopsproj-core[gcs]"),
    ],
)
def test_what_was_forgotten_is_named(run, repository, found, forgotten, said):
    file = repository / "apps" / "api" / "pyproject.toml"
    assert found in file.read_text()
    file.write_text(file.read_text().replace(found, forgotten))
    done = run("--check", "v0.2.0")
    assert done.returncode == 1
    assert done.stderr.splitlines()[1:] == [f"apps/api/pyproject.toml: {said}"]


def test_it_is_raised_everywhere_and_nothing_else_is_changed(run, repository):
    before = texts(repository)
    done = run("--write", "0.3.0rc1")
    assert (done.returncode, done.stderr) == (0, "")
    assert texts(repository) == {
        path: text.replace("0.2.0", "0.3.0rc1") for path, text in before.items()
    }
    assert run("--check", "v0.3.0rc1").returncode == 0


def test_a_version_that_is_none_is_not_written(run, repository):
    before = texts(repository)
    assert run("--write", "v0.3.0").returncode == 1
    assert texts(repository) == before


def test_this_repository_is_of_one_version(script, root):
    versions = script("release_version")
    ours = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"][
        "version"
    ]
    assert list(versions.differences(root, ours)) == []
