"""Every member has the same shape, and the root knows them all."""

import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

# What Hydra 1.3 and Evidently 0.7 were written for.
CAPPED = {"hydra-core": "<1.4", "omegaconf": "<2.4", "pandas": "<3"}
FORBIDDEN_NAMES = {"utils", "util", "common", "helpers", "helper", "base", "manager", "misc"}
LONGEST_FILE = 400


def published(settings):
    """What its wheel asks for."""
    project = settings["project"]
    extras = project.get("optional-dependencies", {}).values()
    texts = [*project.get("dependencies", []), *(text for extra in extras for text in extra)]
    return [Requirement(text) for text in texts]


def requirements(settings):
    groups = settings.get("dependency-groups", {}).values()
    texts = [text for group in groups for text in group if isinstance(text, str)]
    return [*published(settings), *map(Requirement, texts)]


def is_member(requirement):
    return canonicalize_name(requirement.name).startswith("mlopsproj-")


def assert_floors_only(settings):
    for requirement in requirements(settings):
        if is_member(requirement):
            continue
        name = canonicalize_name(requirement.name)
        bounds = {str(bound) for bound in requirement.specifier}
        floors = {bound for bound in bounds if bound.startswith(">=")}
        assert len(floors) == 1, f"{requirement} needs a floor (>=)"
        assert bounds - floors == {CAPPED[name]} if name in CAPPED else bounds == floors, (
            f"{requirement} may have a floor only"
        )


def test_version_is_the_workspace_s(member, workspace):
    assert member.settings["project"]["version"] == workspace["project"]["version"]


def test_members_ask_for_each_other_s_version(member):
    """They are tested and released together: no other two go together for sure."""
    version = member.settings["project"]["version"]
    for requirement in filter(is_member, published(member.settings)):
        assert str(requirement.specifier) == f"=={version}", f"{requirement} in {member}"


def test_python_range_is_the_workspace_s(member, workspace):
    ours, theirs = workspace["project"], member.settings["project"]
    assert theirs["requires-python"] == ours["requires-python"]
    assert theirs["license"] == ours["license"]


def test_dependencies_have_floors_only(member):
    assert_floors_only(member.settings)


def test_root_dependencies_have_floors_only(workspace):
    assert_floors_only(workspace)


def test_settings_of_tools_stand_in_the_root_only(member):
    assert set(member.settings.get("tool", {})) <= {"uv", "hatch"}


def test_member_is_typed_documented_and_tested(member):
    assert (member.source / "py.typed").exists()
    assert "```python" in (member.folder / "README.md").read_text()
    assert (member.folder / "tests" / "test_readme.py").exists()
    assert "test" in member.settings["dependency-groups"]


def test_readme_names_every_file(member):
    text = (member.folder / "README.md").read_text()
    missing = [
        path.name
        for path in sorted(member.source.rglob("*.py"))
        if not path.name.startswith("__") and path.name not in text
    ]
    assert not missing, f"{member}'s README.md says nothing of {', '.join(missing)}"


def test_files_are_short_and_named_by_noun(member):
    for path in member.source.rglob("*.py"):
        assert path.stem not in FORBIDDEN_NAMES, f"{path} is named after nothing that it does"
        lines = len(path.read_text().splitlines())
        assert lines <= LONGEST_FILE, f"{path} has {lines} lines: split it"


def test_readers_meet_a_docstring_first(member):
    bare = [p.name for p in member.source.rglob("*.py") if not p.read_text().startswith('"""')]
    assert not bare


def test_root_knows_every_member(workspace, members):
    names = {member.name for member in members}
    required = {Requirement(text).name for text in workspace["project"]["dependencies"]}
    assert required == names
    assert set(workspace["tool"]["uv"]["sources"]) == names
    linted = set(workspace["tool"]["importlinter"]["root_packages"])
    assert linted == {name.replace("-", "_") for name in names}
    layers = workspace["tool"]["importlinter"]["contracts"][0]["layers"]
    assert linted <= set(re.findall(r"\w+", " ".join(layers)))


def test_member_installs_the_members_that_it_imports_and_no_more(member, members):
    declared = {r.name for r in requirements(member.settings) if r.name.startswith("mlopsproj-")}
    text = "\n".join(path.read_text() for path in member.source.rglob("*.py"))
    imported = {
        other.name
        for other in members
        if re.search(rf"^\s*(from|import) {other.source.name}\b", text, re.MULTILINE)
    } - {member.name}
    assert imported <= declared
    sources = member.settings.get("tool", {}).get("uv", {}).get("sources", {})
    assert set(sources) == declared


def test_root_s_environment_runs_the_tests_of_every_member(member, members, workspace):
    """`uv run pytest` stands in the README: it works without a member's own test group."""
    by_name = {canonicalize_name(other.name): other.settings["project"] for other in members}
    group = [text for text in workspace["dependency-groups"]["dev"] if isinstance(text, str)]
    installed = {Requirement(text).name for text in group}
    for needed in map(Requirement, workspace["project"]["dependencies"]):
        project = by_name[canonicalize_name(needed.name)]
        extras = project.get("optional-dependencies", {})
        texts = [*project.get("dependencies", []), *(t for e in needed.extras for t in extras[e])]
        installed |= {Requirement(text).name for text in texts}
    group = member.settings["dependency-groups"]["test"]
    missing = {Requirement(text).name for text in group} - installed
    assert not missing, f"add {', '.join(sorted(missing))} to the root's group dev"


@pytest.mark.parametrize("folder", ["packages", "apps"])
def test_folders_of_members_hold_members_only(root, folder):
    strays = [
        path.name
        for path in (root / folder).iterdir()
        if path.is_dir() and not (path / "pyproject.toml").exists() and any(Path(path).iterdir())
    ]
    assert not strays
