import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlopsproj_data.sources.printing import listed, plural, printable


@given(name=st.text())
def test_a_name_is_one_line_that_can_be_written(name):
    shown = printable(name)
    assert len(shown.splitlines()) <= 1
    shown.encode()
    assert printable(shown) == unicodedata.normalize("NFC", shown)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("two\nlines.png", r"two\nlines.png"),
        ("bytes\udcff.png", r"bytes\udcff.png"),
        ("\x1b[31mred", r"\x1b[31mred"),
        ("photo\u202egpj.exe", r"photo\u202egpj.exe"),
        ("cafe\u0301", "caf\u00e9"),
        ("猫 \U0001f408\u200d\U0001f41f", "猫 \U0001f408\u200d\U0001f41f"),
    ],
)
def test_what_people_are_shown(name, shown):
    assert printable(name) == shown


def test_numbers_have_nouns():
    assert plural(1, "image") == "1 image"
    assert plural(2062, "image") == "2,062 images"
    assert plural(0, "class", "classes") == "0 classes"


def test_a_long_list_is_cut():
    assert listed(["a", "b"]) == "a, b"
    assert listed([*"abcdefg"]) == "a, b, c, d, e and 2 more"
