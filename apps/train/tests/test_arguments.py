import argparse
import string

import pytest
from hydra._internal.utils import get_args_parser
from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import example, given, settings
from hypothesis import strategies as st
from mlopsproj_core.errors import ConfigError
from mlopsproj_train.arguments import _WITH_VALUE, quote_locations, quoted, split_options, take_path
from omegaconf import OmegaConf

SETTINGS = {"path", "bundle", "registry", "top", "output"}


def read_by_hydra(text):
    """What a setting of type text holds in the end."""
    override = OverridesParser.create().parse_override(f"key={text}")
    value = override.value()
    config = OmegaConf.create({"key": "" if value is None else value})
    return config.key


ODD = st.text(st.sampled_from("ab01 \\'\"${}=,()[]:-+~@%é√." + string.punctuation), min_size=1)


@settings(max_examples=300)
@given(ODD)
@example("runs/2026-01-31_12-00-00")
@example("gs://bucket/models")
@example("C:\\Users\\me\\")
@example("it's ${HOME}")
@example("\\${x}\\")
@example("null")
@example("2026")
@example("a\\'b")
@example(" lead and trail ")
def test_what_is_quoted_is_read_as_it_was(value):
    assert read_by_hydra(quoted(value)) == value


def test_a_name_that_looks_like_a_fraction_stays_text():
    assert read_by_hydra(quoted(".5")) == ".5"


def test_usual_values_stand_without_quotes():
    for value in ("runs/2026-01-31_12-00-00", "./registry", "gs://bucket/models", "/var/a.b"):
        assert quoted(value) == value


@pytest.mark.parametrize(
    "name",
    [
        "photo.jpg",
        "my holiday/photo 1.jpg",
        'it\'s "mine".png',
        "schöne Grüße/猫.png",
        "a=b.png",
        "photos/width=28/1.png",
        "${HOME}.png",
        "[1,2].png",
        "C:\\photos\\1.png",
    ],
)
def test_a_path_is_taken_as_it_is(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    if "/" not in name:
        (tmp_path / name).touch()
    assert take_path([name, "top=1"], SETTINGS) == (name, ["top=1"])
    assert take_path([name, "top=1"], SETTINGS) == take_path(["top=1", "--", name], SETTINGS)


def test_settings_stay(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "top=1").touch()  # a setting all the same
    arguments = ["top=1", "bundle=a:1", "+new=1", "hydra.verbose=true", "bundel=a"]
    assert take_path(arguments, SETTINGS) == (None, arguments)


@pytest.mark.parametrize(
    ("arguments", "options", "others"),
    [
        (["a=1", "-m", "b=2"], ["-m"], ["a=1", "b=2"]),
        (["--cfg", "job", "a=1"], ["--cfg", "job"], ["a=1"]),
        (["a=1", "--info", "defaults"], ["--info", "defaults"], ["a=1"]),
        (["--cfg=job", "x.png"], ["--cfg=job"], ["x.png"]),
        (["a=1", "--cfg"], ["--cfg"], ["a=1"]),
        (["--help", "--", "-x.png", "-m"], ["--help"], ["--", "-x.png", "-m"]),
        ([], [], []),
    ],
)
def test_options_are_parted_with_their_values(arguments, options, others):
    assert split_options(arguments) == (options, others)


def test_a_path_that_begins_with_a_dash_stands_behind_two():
    assert take_path(["top=1", "--", "-1.png"], SETTINGS) == ("-1.png", ["top=1"])
    assert take_path(["--", "top=1"], SETTINGS) == ("top=1", [])
    assert take_path(["./-1.png"], SETTINGS) == ("./-1.png", [])


def test_several_paths_are_refused():
    with pytest.raises(ConfigError, match=r"'a\.png', 'b\.png' are 2 paths: give one file, or"):
        take_path(["a.png", "top=1", "b.png"], SETTINGS)


def test_options_with_a_value_are_hydra_s():
    actions = get_args_parser()._actions
    with_value = {
        option
        for action in actions
        if action.option_strings and action.nargs != 0 and not _is_flag(action)
        for option in action.option_strings
    }
    assert with_value == _WITH_VALUE


def _is_flag(action):
    return isinstance(action, argparse._StoreTrueAction | argparse._VersionAction)


@pytest.mark.parametrize("name", ["photos (1).zip", "a, b", "it's", "[x]", "a=b", "ü ber", "x\\"])
@pytest.mark.parametrize("key", ["data.path", "registry", "resume"])
def test_an_existing_path_needs_no_quotes(tmp_path, monkeypatch, name, key):
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).mkdir()
    (setting,) = quote_locations([f"{key}={name}"])
    assert read_by_hydra(setting.removeprefix(f"{key}=")) == name


def test_an_address_needs_no_quotes():
    address = "https://example.org/list.csv?a=1&b={2}"
    (setting,) = quote_locations([f"data.path={address}"])
    assert read_by_hydra(setting.removeprefix("data.path=")) == address


@pytest.mark.parametrize(
    "setting",
    [
        *("data.path='quoted'", "seed=1,2", "registry=a,b", "data.path="),
        *("data.path=~nobody-here/x", f"data.path={'x' * 5000}", "data.name=folder"),
    ],
)
def test_other_settings_stay_as_they_were_typed(tmp_path, monkeypatch, setting):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    assert quote_locations([setting]) == [setting]
