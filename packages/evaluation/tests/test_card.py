import re

import numpy as np
import pytest
from mlopsproj_core import ImageSpec
from mlopsproj_core.manifest import DataSummary, Parity
from mlopsproj_evaluation import Robustness, Scores, evaluate, model_card


@pytest.fixture
def write_card(make_scores):
    def write(*names, wrong=(1,), channels=1, scores=None, robustness=None):
        scores = scores or make_scores(1200, wrong, classes=len(names))
        return model_card(
            name="shirts",
            classes=names,
            image=ImageSpec(height=28, width=32, channels=channels),
            data=DataSummary(
                name="shirts-2026", fingerprint="abcdef" * 10, counts={"train": 12000, "test": 1200}
            ),
            report=evaluate(scores, names, resamples=20),
            parity=Parity(reference="torch", images=1200, disagreements=0, max_difference=2.5e-6),
            robustness=robustness,
        )

    return write


def table_rows(card):
    """Cells of each row of a table, as Markdown splits them."""
    lines = [line for line in card.splitlines() if line.startswith("|")]
    return [
        [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        for line in lines
        if "---" not in line
    ]


def test_says_what_was_measured_and_set(write_card):
    card = write_card("cat", "dog", "bird", wrong=[1, 4])
    assert card.startswith("# shirts\n\nTells 3 classes of images apart: cat, dog, bird.\n")
    assert "cropped to 28 x 32, grey." in card
    assert "shirts-2026 (12,000 train, 1,200 test), fingerprint `abcdefabcdefabcd`" in card
    assert "against torch on 1,200 images, largest difference of a probability 2.5e-06" in card
    assert "## On 1,200 test images" in card
    assert "It finds dog least often: 0.9950 of its images." in card
    assert card.endswith("```\n")


def test_holds_each_figure_with_its_interval(write_card):
    rows = {row[0]: row[1:] for row in table_rows(write_card("cat", "dog", wrong=range(12)))}
    assert rows["accuracy"][0].startswith("0.9900 (0.9")
    assert rows["expected calibration error"][0].startswith("0.0900 (0.0")
    assert set(rows) == {
        "figure",
        "accuracy",
        "balanced accuracy",
        "macro F1",
        "AUROC, one class against the rest",
        "expected calibration error",
        "class",
        "cat",
        "dog",
    }
    assert rows["cat"][0] == "600"
    assert all(re.fullmatch(r"0\.\d{4} \(0\.\d{4} to [01]\.\d{4}\)", f) for f in rows["cat"][1:])


def test_names_stay_within_their_cell_and_line(write_card):
    card = write_card("a|b", "two\nlines", " c ", wrong=[0, 1, 2])
    rows = table_rows(card)
    assert {len(row) for row in rows} == {2, 5}
    assert [row[0] for row in rows if len(row) == 5] == ["class", r"a\|b", "two lines", "c"]
    assert "Tells 3 classes of images apart: a|b, two lines, c.\n" in card


def test_colour_images_are_told(write_card):
    assert "cropped to 28 x 32, RGB." in write_card("cat", "dog", channels=3)


def test_a_model_without_mistakes_has_no_weakest_class(write_card):
    card = write_card("cat", "dog", wrong=[])
    assert "least often" not in card
    assert "It missed no test image of any class" in card


def test_what_was_not_measured_is_none(write_card, make_scores):
    scores = make_scores(20, [0])
    cats = Scores(scores.ids[::2], scores.labels[::2], scores.probabilities[::2])
    card = write_card("cat", "dog", scores=cats)
    rows = {row[0]: row[1:] for row in table_rows(card)}
    assert rows["AUROC, one class against the rest"] == ["none"]
    assert rows["dog"][0] == "0"
    assert rows["dog"][2] == "none"
    assert "- No test image shows: dog.\n" in card
    assert "It finds cat least often: 0.9000 of its images." in card


def test_spoilt_images_have_their_section_if_they_were_measured(write_card):
    robustness = Robustness(
        ids=tuple(f"{number:064x}" for number in range(400)),
        corruptions=("fog", "motion_blur"),
        clean=np.arange(400) < 360,
        correct=np.stack([np.arange(400) < 100, np.arange(400) < 300], axis=1),
        severities=np.ones((400, 2), np.int8),
        suite=1,
        seed=0,
    )
    card = write_card("cat", "dog", robustness=robustness)
    assert "## On 400 spoilt test images" in card
    rows = {row[0]: row[1:] for row in table_rows(card)}
    assert rows["as they were"][0].startswith("0.9000 (0.8")
    assert rows["spoilt, over all corruptions"][0].startswith("0.5000 (0.4")
    assert rows["fog"][0].startswith("0.2500 (0.2")
    assert rows["motion blur"][0].startswith("0.7500 (0.7")
    assert card.index("spoilt") < card.index("## Limits")
    assert "spoilt" not in write_card("cat", "dog")
