"""Images that nobody prepared go from the folder to answers, with no flag but their path."""

import json
import shlex
from pathlib import Path

import pytest
from strange_folders import (
    CONFLICTING,
    LAYOUTS,
    UNREADABLE,
    WARNINGS,
    sample_photographs,
    sign_photographs,
    with_errors,
    with_warnings,
)

SIGNS = Path(__file__).parents[3] / "shared" / "data" / "sign-language-digits"
# Learning is not what is asked for here, and one epoch does all that nine do.
QUICK = ("trainer.max_epochs=1", "logger=disabled")


@pytest.fixture(scope="module")
def photographs():
    return sample_photographs()


@pytest.fixture
def lay_out(workplace):
    """Photographs in one of the layouts; the path that a user types."""

    def write(layout, files):
        folder = workplace.path / "their data"
        folder.mkdir()
        return str(LAYOUTS[layout](files, folder).relative_to(workplace.path))

    return write


def answer(result, code=0):
    """The JSON document that a command printed."""
    assert result.returncode == code, result.stdout + result.stderr
    assert "Traceback" not in result.stderr
    return json.loads(result.stdout)


def found(report):
    """How often each check found something."""
    return {each["check"]: each["count"] for each in report["findings"]}


def train_and_judge(workplace, path, *flags):
    """What training and judging on a path say, by the command that `data prepare` names."""
    prepared = answer(workplace.run("data", "prepare", path, *flags, "--json"))
    data = shlex.split(prepared["next_command"].removeprefix("uv run train"))
    summary = answer(workplace.run("train", *data, *QUICK, "output=json"))
    report = answer(workplace.run("evaluate", *data, "output=json"))
    fingerprints = {each["data_fingerprint"] for each in (summary, report)}
    assert fingerprints == {prepared["fingerprint"]}
    assert report["metrics"]["accuracy"]["value"] == pytest.approx(summary["accuracy"])
    return summary


def predict(workplace, path, code=0):
    """The answer for each file."""
    return answer(workplace.run("predict", str(path), "top=1", "output=json"), code)["images"]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_is_recognised_and_prepared(workplace, lay_out, photographs, layout):
    facts = answer(workplace.run("data", "stats", lay_out(layout, photographs), "--json"))
    labels = [file.label for file in photographs]
    assert {name: sum(each.values()) for name, each in facts["class_counts"].items()} == {
        label: labels.count(label) for label in labels
    }
    assert all(facts["counts"].values())
    assert set(facts["formats"]) == {"JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF"}
    assert set(facts["modes"]) >= {"RGB", "RGBA", "CMYK", "L", "LA", "P", "1"}


@pytest.mark.slow
@pytest.mark.parametrize("layout", ["split folders", "zip", "csv"])
def test_what_is_odd_but_usable_is_told_and_trained_on(workplace, lay_out, photographs, layout):
    path = lay_out(layout, with_warnings(photographs))
    report = answer(workplace.run("data", "validate", path, "--json"))
    assert report["valid"]
    assert set(found(report)) >= WARNINGS
    summary = train_and_judge(workplace, path)
    # Copies are kept once; where splits are given, a copy of a test image is for the test alone.
    assert summary["test_images"] > 0
    photo = workplace.path / "new one.JPEG"
    photo.write_bytes(photographs[0].data)
    (image,) = predict(workplace, photo)
    assert image["predictions"][0]["class"] in {file.label for file in photographs}


@pytest.mark.slow
def test_what_cannot_be_right_is_refused_and_then_left_out(workplace, lay_out, photographs):
    path = lay_out("class folders", with_errors(photographs))
    report = answer(workplace.run("data", "validate", path, "--json"), code=3)
    assert not report["valid"]
    assert sum(found(report).get(check, 0) for check in UNREADABLE) == len(UNREADABLE)
    assert found(report)[CONFLICTING] == 1

    for command in (("train", f"data.path={path}"), ("data", "prepare", path)):
        refused = workplace.run(*command)
        assert refused.returncode == 3, refused.stderr
        assert (refused.stdout, refused.stderr.count("error: ")) == ("", 1)
        flag = "data.drop_invalid=true" if command[0] == "train" else "--drop-invalid"
        assert flag in refused.stderr
        assert "under more than one label" in refused.stderr
    assert not (workplace.path / "runs").exists()

    train_and_judge(workplace, path, "--drop-invalid")
    (run,) = (workplace.path / "runs").iterdir()
    dropped = json.loads((run / "dropped.json").read_text(encoding="utf-8"))
    assert len(dropped) == len(UNREADABLE) + 2  # both copies of what stands under two labels
    images = predict(workplace, path, code=1)
    assert len(images) == len(photographs) + len(UNREADABLE) + 1
    assert sum("error" in image for image in images) == len(UNREADABLE)


@pytest.mark.slow
@pytest.mark.skipif(not SIGNS.is_dir(), reason="the photographs of signs are not there")
def test_photographs_of_hands_in_an_archive(workplace, lay_out):
    photographs = sign_photographs(SIGNS)
    path = lay_out("tar.gz", photographs)
    report = answer(workplace.run("data", "validate", path, "--json"))
    assert len(report["counts"]) == 10
    summary = train_and_judge(workplace, path)
    assert summary["test_images"] == sum(file.split == "test" for file in photographs)


@pytest.mark.slow
def test_the_sample_as_a_folder_is_clean_and_trained_on(workplace):
    written = answer(workplace.run("data", "sample", "photos", "--json"))
    assert sum(written["counts"].values()) == 14_000
    report = answer(workplace.run("data", "validate", "photos", "--json"))
    assert report["valid"]
    summary = train_and_judge(workplace, "photos")
    assert summary["test_images"] == 2000
