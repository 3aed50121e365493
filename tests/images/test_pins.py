"""What the images install: pinned with hashes, of the one resolution, and no torch but in train."""

import re
import tomllib

import pytest
from images.pins import BUILD_SYSTEM, IMAGES, PINS

ROOT = PINS.parents[2]


def pins(text):
    """Each requirement with its marker and hashes, as one line."""
    blocks = re.sub(r"\\\n\s*", "", text).splitlines()
    return {line for line in map(str.strip, blocks) if line and not line.startswith("#")}


@pytest.fixture(scope="module")
def resolved():
    text = (ROOT / "requirements.txt").read_text()
    return {re.sub(r"\s+", " ", line) for line in pins(text)}


@pytest.mark.parametrize("image", IMAGES, ids=lambda image: image.name)
def test_an_image_installs_what_the_repository_resolves_to(image, resolved):
    own = {re.sub(r"\s+", " ", line) for line in pins((PINS / f"{image.name}.txt").read_text())}
    assert len(own) > 40
    assert all("--hash=sha256:" in line for line in own)
    # A marker names what asks for a distribution, so that it may differ; version and hashes do not.
    assert {without_marker(line) for line in own} <= {without_marker(line) for line in resolved}


def without_marker(line):
    return re.sub(r" ;.*?(?= --hash)", "", line)


@pytest.mark.parametrize("image", IMAGES, ids=lambda image: image.name)
def test_an_image_holds_its_member_and_what_that_needs(image):
    told = (PINS / f"{image.name}.members.txt").read_text().split()
    settings = [tomllib.loads((ROOT / name / "pyproject.toml").read_text()) for name in told]
    names = {each["project"]["name"] for each in settings}
    assert image.distribution in names
    for each in settings:
        project = each["project"]
        texts = list(project["dependencies"])
        if project["name"] == image.distribution:
            optional = project.get("optional-dependencies", {})
            texts += [text for extra in image.extras for text in optional[extra]]
        needed = {re.match(r"[\w-]+", text)[0] for text in texts}
        assert {name for name in needed if name.startswith("mlopsproj-")} <= names


@pytest.mark.parametrize("name", ["api", "monitor"])
def test_a_service_installs_no_torch(name):
    assert not re.search(
        r"^(torch|pytorch|nvidia)", (PINS / f"{name}.txt").read_text(), re.MULTILINE
    )


def test_the_api_installs_nothing_that_serving_does_not_need():
    text = (PINS / "api.txt").read_text()
    assert not re.search(r"^(scipy|pyarrow|matplotlib|pandas)==", text, re.MULTILINE)


def test_what_builds_wheels_has_hashes():
    text = (PINS / "build-system.txt").read_text()
    for requirement in BUILD_SYSTEM:
        name = requirement.partition(">=")[0]
        assert re.search(rf"^{name}==\S+ \\\n\s+--hash=sha256:", text, re.MULTILINE)


def test_the_dockerfile_asks_for_hashes_and_for_no_root():
    text = (PINS.parent / "Dockerfile").read_text()
    installs = re.findall(r"uv pip install .*", text)
    assert len(installs) == 3
    assert all("--require-hashes" in each or "--no-deps wheels" in each for each in installs)
    assert re.findall(r"^USER (.*)", text, re.MULTILINE) == ["65532:65532"]
    assert set(re.findall(r"^FROM runtime AS (\w+)", text, re.MULTILINE)) == {
        i.name for i in IMAGES
    }
