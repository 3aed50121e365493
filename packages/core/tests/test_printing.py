import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlopsproj_core.printing import is_printable, printable


@given(name=st.text())
def test_a_name_is_one_line_that_can_be_written(name):
    shown = printable(name)
    assert len(shown.splitlines()) <= 1
    shown.encode()
    assert printable(shown) == unicodedata.normalize("NFC", shown)
    assert is_printable(shown)
    assert is_printable(name) or shown != name


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
