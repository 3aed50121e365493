"""What GitHub is told of folders and owners is true of the repository."""

import re

import yaml


def test_owned_paths_exist(root):
    lines = (root / ".github" / "CODEOWNERS").read_text(encoding="utf-8").splitlines()
    owned = [line.split() for line in lines if line and not line.startswith("#")]
    assert owned[0][0] == "*", "the last line that matches wins"
    for pattern, *owners in owned:
        assert owners, pattern
        assert pattern == "*" or (root / pattern.strip("/")).exists(), pattern


def test_dependabot_watches_folders_that_exist(root):
    settings = yaml.safe_load((root / ".github" / "dependabot.yml").read_text(encoding="utf-8"))
    watched = {
        update["package-ecosystem"]: update.get("directories", [update.get("directory")])
        for update in settings["updates"]
    }
    assert watched["github-actions"] == ["/"]
    for folder in watched.get("docker", []):
        assert (root / folder.strip("/") / "Dockerfile").is_file()


def test_every_image_is_watched(root):
    settings = yaml.safe_load((root / ".github" / "dependabot.yml").read_text(encoding="utf-8"))
    watched = {
        folder.strip("/")
        for update in settings["updates"]
        if update["package-ecosystem"] == "docker"
        for folder in update["directories"]
    }
    built = {
        path.parent.relative_to(root).as_posix() for path in root.glob("infra/images/**/Dockerfile")
    }
    assert watched == built


def test_the_docs_tell_of_every_workflow(root):
    text = (root / "docs" / "development.md").read_text(encoding="utf-8")
    section = text.split("\n## At GitHub\n")[1].split("\n## ")[0]
    told = re.findall(r"^\| `([\w-]+)` \|", section, re.MULTILINE)
    assert set(told) == {path.stem for path in root.glob(".github/workflows/*.yml")}
