"""The images that are pushed are those that their file makes."""

import re

import yaml


def test_images_are_the_targets_of_their_file(root):
    flow = root / ".github" / "workflows" / "images.yml"
    (job,) = yaml.safe_load(flow.read_text(encoding="utf-8"))["jobs"].values()
    (build,) = [
        step["with"] for step in job["steps"] if "build-push-action" in step.get("uses", "")
    ]
    text = (root / build["file"]).read_text(encoding="utf-8")
    targets = set(re.findall(r"^FROM runtime AS (\w+)$", text, re.MULTILINE))
    assert set(job["strategy"]["matrix"]["image"]) == targets
    passed = {line.split("=")[0] for line in build["build-args"].splitlines()}
    assert passed <= set(re.findall(r"^ARG (\w+)", text, re.MULTILINE))
