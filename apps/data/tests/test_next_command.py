"""The next command names what differs from the defaults, and a shell reads it as it was meant."""

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlopsproj_data import DataConfig
from mlopsproj_data.config import Addition, Source
from mlopsproj_data_cli.next_command import train_command


def test_the_sample_needs_no_setting():
    assert train_command(DataConfig()) == "uv run train"


def test_what_differs_is_told():
    config = DataConfig(
        source=Source.table, path="a/list.csv", image_size=64, drop_invalid=True, channels=1
    )
    assert train_command(config) == (
        "uv run train data.source=table data.path=a/list.csv data.image_size=64 data.channels=1"
        " data.drop_invalid=true"
    )


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("../photos", "data.path=../photos"),
        ("my photos", "data.path='my photos'"),
        ("12", "data.path='12'"),
        ("true", "data.path='true'"),
        ("it's", r"data.path='it\'s'"),
        ("${x}", r"data.path='\${x}'"),
    ],
)
def test_values_are_quoted_where_they_would_be_read_otherwise(path, told):
    assert shlex.split(train_command(DataConfig(path=path)))[3:] == [told]


def test_a_list_is_one_argument():
    config = DataConfig(add=[Addition.feedback], feedback_until="2026-11-30T12:00:00+00:00")
    words = shlex.split(train_command(config))
    assert words[3:] == ["data.add=[feedback]", "data.feedback_until='2026-11-30T12:00:00+00:00'"]


@given(st.text(st.characters(exclude_characters="\0", codec="utf-8"), min_size=1))
def test_a_path_is_one_argument_whatever_it_holds(path):
    words = shlex.split(train_command(DataConfig(path=path, name="mine")))
    assert len(words) == 5
    assert words[4] == "data.name=mine"
