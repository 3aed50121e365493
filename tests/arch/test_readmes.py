"""A member's README is enough for who finds it alone: it says how to install, and what with."""

import re


def test_it_says_how_to_install_the_member(member):
    text = (member.folder / "README.md").read_text(encoding="utf-8")
    assert f"`pip install {member.name}`" in text
    assert f"`uv sync --package {member.name}`" in text


def test_it_tells_the_extras_that_there_are(member):
    text = (member.folder / "README.md").read_text(encoding="utf-8")
    told = set(re.findall(rf"`{member.name}\[([\w-]+)\]`", text))
    assert told == set(member.settings["project"].get("optional-dependencies", {}))


def test_its_links_lead_somewhere(member):
    text = (member.folder / "README.md").read_text(encoding="utf-8")
    for target in re.findall(r"\]\(((?!http)[^)#]+)", text):
        assert (member.folder / target).exists(), target
