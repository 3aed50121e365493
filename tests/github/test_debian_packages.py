"""Where a runner's PostgreSQL is, and which packages it gets."""

import re


def test_the_newest_postgresql(script, tmp_path):
    for version in ("9", "15", "16"):
        (tmp_path / version / "bin").mkdir(parents=True)
    (tmp_path / "lost+found" / "bin").mkdir(parents=True)
    assert script("debian_packages").tools_of(tmp_path) == tmp_path / "16" / "bin"


def test_no_postgresql(script, tmp_path):
    assert script("debian_packages").tools_of(tmp_path) is None


def test_the_path_goes_on(script, tmp_path):
    file = tmp_path / "path"
    file.write_text("/before\n")
    script("debian_packages").add_to_path(tmp_path / "bin", file)
    assert file.read_text().splitlines() == ["/before", str(tmp_path / "bin")]


def test_packages_are_those_that_the_local_run_installs(script, root):
    text = (root / ".ci" / "run").read_text(encoding="utf-8")
    asked = set(re.findall(r"missing\+=\(([\w-]+)\)", text))
    asked |= set(re.search(r"for package in (.*); do", text)[1].split())
    at_hand = {"git", "ca-certificates", "chromium"}  # of every runner
    instead_of_docker = {"buildah", "mmdebstrap"}
    wanted = set(script("debian_packages").PACKAGES)
    assert wanted == asked - at_hand - instead_of_docker
