"""What workflows say is there, is pinned, and is no program."""

import json
import re
import subprocess
import sys
from itertools import product

import pytest
import yaml

CI = "./.github/workflows/ci.yml"
OURS = {CI, "./.github/workflows/docs.yml", "./.github/workflows/images.yml"}
PINNED = re.compile(r"^[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")
# What would make a program of a line: chains, pipes, tests, substitutions, files.
LOGIC = re.compile(r"[;|<>`]|&&|\$\(|\b(if|for|while|case|test|eval)\b|\[\[?\s")
PUSHES_IMAGES, PUSHES_DOCS = {"attestations", "id-token", "packages"}, {"contents"}
WRITES = {
    "docs.yml": {"publish": PUSHES_DOCS},
    "images.yml": {"publish": PUSHES_IMAGES},
    "main.yml": {"docs": PUSHES_DOCS, "images": PUSHES_IMAGES},
    "release.yml": {
        "attest": {"attestations", "id-token"},
        "announce": {"contents"},
        "docs": PUSHES_DOCS,
        "images": PUSHES_IMAGES,
        "publish": {"id-token"},
    },
    "upgrade.yml": {"propose": {"actions", "contents", "pull-requests"}},
}
PUBLISHING = {"docs.yml", "release.yml"}


def read(path):
    """A workflow; YAML's `on` is read as true."""
    settings = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {"on" if key is True else key: value for key, value in settings.items()}


def steps(path):
    for job in read(path)["jobs"].values():
        yield from job.get("steps", [])


def commands(path):
    """Every command line, once for each value of what its variables take from the job's matrix."""
    for job in read(path)["jobs"].values():
        matrix = job.get("strategy", {}).get("matrix", {})
        for step in job.get("steps", []):
            if "run" not in step:
                continue
            taken = {
                name: matrix[found[1]]
                for name, value in step.get("env", {}).items()
                if (found := re.fullmatch(r"\$\{\{ matrix\.(\w+) \}\}", str(value)))
            }
            for values in product(*taken.values()):
                line = step["run"]
                for name, value in zip(taken, values, strict=True):
                    line = line.replace(f'"${name}"', value)
                yield line.strip()


@pytest.fixture(scope="module")
def sessions(root):
    """Every session of the noxfile: its name, and the Pythons that it is made for."""
    program = """
import json, noxfile
from nox.registry import get
print(json.dumps({name: session.python for name, session in get().items()}))
"""
    listed = subprocess.run(
        [sys.executable, "-c", program], cwd=root, check=True, capture_output=True, text=True
    ).stdout
    return json.loads(listed)


def test_sessions_that_are_run_exist(workflow, sessions):
    for line in commands(workflow):
        name = re.search(r"\bnox --session (\S+)", line)
        python = re.search(r"--python (\S+)", line)
        assert ("nox" in line.split()) == bool(name), f"{line}: write nox --session NAME"
        if name:
            assert name[1] in sessions, f"there is no session {name[1]}"
        if python:
            assert python[1] in sessions[name[1]]


def test_scripts_that_are_run_exist(workflow, root):
    for line in commands(workflow):
        for name in re.findall(r"\S+\.(?:py|sh)\b", line):
            assert (root / name).is_file(), line


def test_every_script_is_run_by_a_workflow(root):
    lines = [line for path in root.glob(".github/workflows/*.yml") for line in commands(path)]
    for path in root.glob("infra/github/*.py"):
        name = path.relative_to(root).as_posix()
        assert any(name in line.split() for line in lines), f"no workflow runs {name}"


def test_no_logic_stands_in_yaml(workflow):
    for line in commands(workflow):
        assert "\n" not in line, f"one command a step: {line}"
        assert not LOGIC.search(line), f"a session or a script of infra/github does this: {line}"


def test_actions_are_pinned_by_commit_and_tell_their_version(workflow):
    for line in re.findall(r"uses: (.*)", workflow.read_text(encoding="utf-8")):
        assert line.split()[0] in OURS or PINNED.match(line), line


def test_an_action_has_one_version_in_all_workflows(root):
    pins = {}
    for path in root.glob(".github/workflows/*.yml"):
        for action, version in re.findall(r"uses: (\S+)@(.*)", path.read_text(encoding="utf-8")):
            pins.setdefault(action, set()).add(version)
    assert all(len(versions) == 1 for versions in pins.values()), pins


def test_nothing_may_be_written_unless_a_job_says_so(workflow):
    settings = read(workflow)
    assert settings["permissions"] == {}
    written = {
        name: writes
        for name, job in settings["jobs"].items()
        if (writes := {right for right, level in job["permissions"].items() if level == "write"})
    }
    assert written == WRITES.get(workflow.name, {})


def needed(jobs, name):
    """The jobs without which one does not begin."""
    needs = jobs[name].get("needs", [])
    direct = {needs} if isinstance(needs, str) else set(needs)
    return direct.union(*(needed(jobs, other) for other in direct))


def test_what_a_push_publishes_waits_for_the_checks_of_its_commit(workflow):
    settings = read(workflow)
    jobs = settings["jobs"]
    writing = [name for name, job in jobs.items() if "write" in job["permissions"].values()]
    if "push" in settings["on"]:
        checks = {name for name, job in jobs.items() if job.get("uses") == CI}
        assert len(checks) == 1
        for name in writing:
            assert checks <= needed(jobs, name), f"{name} does not wait for ci"
            assert "if" not in jobs[name], f"{name} must be skipped where ci fails"
    elif writing and workflow.name != "upgrade.yml":
        assert set(settings["on"]) == {"workflow_call"}, "begun only by what waits for ci"


def test_no_workflow_begins_with_the_rights_of_main_where_others_choose_what_it_reads(workflow):
    assert not {"workflow_run", "pull_request_target", "issue_comment"} & set(read(workflow)["on"])


def test_a_commit_is_checked_once(root):
    begun = [p.name for p in root.glob(".github/workflows/*.yml") if "push" in read(p)["on"]]
    assert sorted(begun) == ["main.yml", "release.yml"]
    pushes = [read(root / ".github" / "workflows" / name)["on"]["push"] for name in sorted(begun)]
    assert pushes == [{"branches": ["main"]}, {"tags": ["v*"]}]


def test_no_checkout_leaves_its_token_behind(workflow):
    for step in steps(workflow):
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False


def test_what_publishes_takes_nothing_from_a_cache(workflow):
    for step in steps(workflow):
        if step.get("uses", "").startswith("astral-sh/setup-uv@"):
            assert step["with"]["enable-cache"] is (workflow.name not in PUBLISHING)


def test_the_required_check_sums_every_other_job(root):
    jobs = read(root / ".github" / "workflows" / "ci.yml")["jobs"]
    assert set(jobs["ci"]["needs"]) == jobs.keys() - {"ci"}
    assert jobs["ci"]["if"] == "${{ always() }}"


def test_the_matrix_is_every_python_on_every_system(root, sessions):
    jobs = read(root / ".github" / "workflows" / "ci.yml")["jobs"]
    matrix = jobs["tests"]["strategy"]["matrix"]
    assert matrix["python"] == sessions["tests"]
    systems = {re.match(r"[a-z]+", system)[0] for system in matrix["system"]}
    assert systems == {"ubuntu", "macos", "windows"}


def test_the_checks_of_a_commit_are_all_run(root):
    jobs = read(root / ".github" / "workflows" / "ci.yml")["jobs"]
    told = re.search(r"^CHECKS = (\[.*\])", (root / "noxfile.py").read_text(), re.MULTILINE)[1]
    assert set(json.loads(told)) <= set(jobs["checks"]["strategy"]["matrix"]["session"])


def test_an_index_of_vulnerabilities_that_is_away_fails_there(root):
    lines = list(commands(root / ".github" / "workflows" / "ci.yml"))
    assert [line for line in lines if "--session security" in line] == [
        "uv run --only-group=nox nox --session security -- --require-index"
    ]
