"""The card says what the facts say, as Markdown that shows names as they are."""

import pytest
from mlopsproj_core.errors import DataError
from mlopsproj_data import DataConfig, prepare
from mlopsproj_data.card import CARD, SHEET, card_text, write_card
from mlopsproj_data.contact_sheet import MOST_CLASSES
from mlopsproj_data.facts import describe
from PIL import Image


@pytest.fixture
def facts():
    """Of an invented data set."""
    return {
        "name": "shoes",
        "fingerprint": "0123abcd" * 8,
        "image": [64, 48, 3],
        "counts": {"train": 1200, "validation": 100, "test": 34},
        "class_counts": {
            "boot": {"train": 1000, "validation": 90, "test": 30},
            "old|new": {"train": 200, "validation": 10, "test": 4},
        },
        "measured": {
            "width": {"least": 10.0, "median": 640.0, "most": 12000.0},
            "brightness": {"least": 0.0123, "median": 0.5, "most": 1.0},
        },
        "sizes": {f"{side} x 10": 9 - side for side in range(8)},
        "modes": {"RGB": 1300, "CMYK": 34},
        "formats": {"JPEG": 1334},
        "channels": {"red": {"mean": 0.5, "deviation": 0.25}},
        "groups": {"count": 0, "divided": 0, "divided_images": 0},
        "dropped": {"duplicate": 0, "duplicate of a test image": 0},
        "findings": [],
    }


def test_counts_stand_in_a_table_with_their_sums(facts):
    text = card_text(facts)
    assert text.startswith(
        "# shoes\n\n1,334 images of 2 classes, prepared as 48 x 64 pixels, colour"
    )
    assert "| boot | 1,000 | 90 | 30 | 1,120 |" in text
    assert "| all | 1,200 | 100 | 34 | 1,334 |" in text


def test_a_name_breaks_no_table(facts):
    assert r"| old\|new | 200 | 10 | 4 | 214 |" in card_text(facts)
    facts["class_counts"] = {"<b>\n# one": {"train": 1, "validation": 1, "test": 1}}
    assert r"| \<b\> \# one | 1 | 1 | 1 | 3 |" in card_text(facts)


def test_what_the_images_are(facts):
    text = card_text(facts)
    assert "| width, pixels | 10 | 640 | 12,000 |" in text
    assert "| brightness | 0.0123 | 0.5000 | 1 |" in text
    assert "Modes: RGB (1,300), CMYK (34)." in text
    assert "4 x 10 (5) and 3 more." in text
    assert "| red | 0.5000 | 0.2500 |" in text


def test_a_clean_data_set_is_said_to_be_clean(facts):
    text = card_text(facts)
    for said in ("Nothing was left out.", "Images have no group.", "Nothing was found."):
        assert said in text


def test_leakage_is_told_with_numbers(facts):
    facts["dropped"] = {"duplicate": 3, "duplicate of a test image": 2, "unreadable": 0}
    facts["groups"] = {"count": 40, "divided": 2, "divided_images": 25}
    text = card_text(facts)
    assert "Left out: 3 duplicate, 2 duplicate of a test image." in text
    assert "40 groups, of which 2 stand in several splits, with 25 images" in text
    facts["groups"]["divided"] = 0
    assert "40 groups, each in one split." in card_text(facts)


def test_findings_are_told(facts):
    finding = {"check": "tiny", "severity": "warning", "count": 1200, "message": "2 are *tiny*."}
    facts["findings"] = [finding]
    assert r"| tiny | warning | 1,200 | 2 are \*tiny\*. |" in card_text(facts)


def test_many_classes_are_not_all_promised_on_the_sheet(facts):
    one = {"train": 1, "validation": 1, "test": 1}
    facts["class_counts"] = {str(label): one for label in range(MOST_CLASSES + 1)}
    assert f"![Images of the first {MOST_CLASSES} classes]({SHEET})" in card_text(facts)


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    return prepare(DataConfig(prepared_dir=str(tmp_path_factory.mktemp("prepared"))))


def test_card_and_sheet_stand_side_by_side(sample, tmp_path):
    for _ in range(2):  # the second time over the first
        path = write_card(sample, describe(sample), tmp_path / "cards" / "mine")
    assert path == tmp_path / "cards" / "mine" / CARD
    assert sorted(each.name for each in path.parent.iterdir()) == sorted([CARD, SHEET])
    text = path.read_text(encoding="utf-8")
    assert f"]({SHEET})" in text
    assert "14,000 images of 10 classes" in text
    with Image.open(path.with_name(SHEET)) as sheet:
        sheet.verify()


def test_a_folder_that_cannot_be_made_is_named(sample, tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(DataError, match="file"):
        write_card(sample, describe(sample), tmp_path / "file" / "cards")
