import json
import math
from datetime import UTC, datetime

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from mlopsproj_core.errors import BundleCorruptError, BundleSchemaError
from mlopsproj_core.image import ImageSpec
from mlopsproj_core.manifest import (
    MANIFEST,
    SCHEMA,
    DataSummary,
    Manifest,
    Metric,
    Parity,
    parse_manifest,
)
from pydantic import ValidationError

WHERE = "folder/manifest.json"
VALUES = {
    "name": "small",
    "classes": ("a", "b"),
    "image": ImageSpec(28, 30, 3),
    "metrics": {"accuracy": Metric(value=0.9, low=0.8, high=0.95)},
    "data": DataSummary(name="small", fingerprint="f" * 64, counts={"train": 8, "test": 2}),
    "parity": Parity(reference="torch", images=2, disagreements=0, max_difference=1e-7),
    "parent": "small:3",
    "config": {"optimizer": {"lr": 0.1}, "layers": [1, 2]},
    "git_commit": "abc",
    "packages": {"numpy": "2.0"},
    "created": datetime(2026, 1, 31, 12, 30, tzinfo=UTC),
    "files": {"model.onnx": "0" * 64, "probe/a b.png": "1" * 64},
}


def text_with(**changes) -> str:
    return json.dumps({**json.loads(Manifest(**VALUES).to_json()), **changes})


def test_comes_back_from_its_text_as_it_was():
    manifest = Manifest(**VALUES)
    assert parse_manifest(manifest.to_json(), WHERE) == manifest
    assert parse_manifest(manifest.to_json().encode(), WHERE) == manifest


def test_the_text_says_what_the_contract_names():
    values = json.loads(Manifest(**VALUES).to_json())
    assert set(values) == {"schema", *VALUES}
    assert values["schema"] == SCHEMA == 1
    assert values["image"] == {"height": 28, "width": 30, "channels": 3}
    assert values["metrics"] == {"accuracy": {"value": 0.9, "low": 0.8, "high": 0.95}}
    assert values["created"] == "2026-01-31T12:30:00Z"


def test_what_may_be_unknown_may_be_left_out():
    values = json.loads(text_with())
    for key in ("parity", "parent", "config", "git_commit", "packages"):
        del values[key]
    manifest = parse_manifest(json.dumps(values), WHERE)
    assert (manifest.parity, manifest.parent, manifest.git_commit) == (None, None, None)
    assert (manifest.config, manifest.packages) == ({}, {})


@pytest.mark.parametrize(
    "key", ["schema", "name", "classes", "image", "metrics", "data", "created", "files"]
)
def test_what_must_be_known_must_be_there(key):
    values = json.loads(text_with())
    del values[key]
    with pytest.raises(BundleCorruptError, match=rf"{WHERE} .*{key}"):
        parse_manifest(json.dumps(values), WHERE)


def test_unknown_keys_are_ignored_at_every_depth():
    values = json.loads(text_with(new=1))
    for record in (values["image"], values["metrics"]["accuracy"], values["data"]):
        record["new"] = {"of": "a later release"}
    assert parse_manifest(json.dumps(values), WHERE) == Manifest(**VALUES)


@pytest.mark.parametrize("schema", [2, 3, 10**30])
def test_a_newer_schema_needs_a_newer_release(schema):
    with pytest.raises(BundleSchemaError, match=f"has schema {schema}; .*upgrade mlopsproj"):
        parse_manifest(json.dumps({"schema": schema}), WHERE)


@pytest.mark.parametrize("schema", [0, -1])
def test_an_older_schema_needs_a_new_bundle(schema):
    with pytest.raises(BundleSchemaError, match=f"has schema {schema}; .*make the bundle again"):
        parse_manifest(json.dumps({"schema": schema}), WHERE)


@pytest.mark.parametrize("schema", [True, 1.0, "1", None, [1], {"1": 1}, math.nan])
def test_a_schema_that_is_no_whole_number_is_no_manifest(schema):
    with pytest.raises(BundleCorruptError, match="no whole number"):
        parse_manifest(text_with(schema=schema), WHERE)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "null",
        "3",
        '"text"',
        "[]",
        "{}",
        "[" * 100_000,
        b"\xff\xfe\0",
        b"\0" * 100,
        "9" * 9999,
    ],
    ids=lambda text: repr(text[:8]),
)
def test_what_is_no_json_object_is_no_manifest(text):
    with pytest.raises(BundleCorruptError, match=r"no bundle manifest .*fetch the bundle again"):
        parse_manifest(text, WHERE)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


@settings(max_examples=200)
@given(key=st.sampled_from(["schema", *VALUES]), value=json_values)
@example(key="packages", value={"\nerror: all is well": None})
def test_any_value_under_any_key_is_read_or_refused_in_one_line(key, value):
    try:
        manifest = parse_manifest(text_with(**{key: value}), WHERE)
    except (BundleCorruptError, BundleSchemaError) as error:
        (line,) = str(error).splitlines()
        assert line.startswith(WHERE)
    else:
        assert parse_manifest(manifest.to_json(), WHERE).name == manifest.name


@settings(max_examples=100)
@given(data=st.binary(max_size=50))
def test_any_bytes_are_refused(data):
    with pytest.raises((BundleCorruptError, BundleSchemaError)):
        parse_manifest(data, WHERE)


@pytest.mark.parametrize(
    "path",
    [
        "",
        ".",
        "..",
        "../secret",
        "probe/../../secret",
        "/etc/passwd",
        "//server/share",
        "..\\secret",
        "C:/secret",
        "C:secret",
        "model.onnx:stream",
        "nul\0byte",
        "./model.onnx",
        "probe//a.png",
        "probe/./a.png",
        "probe/",
        MANIFEST,
    ],
)
def test_a_file_must_lie_in_the_bundle_under_its_plain_name(path):
    with pytest.raises(BundleCorruptError, match="files"):
        parse_manifest(text_with(files={path: "0" * 64}), WHERE)


@pytest.mark.parametrize(
    "path", ["a", ".hidden", "probe/a b.png", "deep/er/ü.txt", "..dots", "a.."]
)
def test_other_names_are_taken(path):
    assert path in parse_manifest(text_with(files={path: "0" * 64}), WHERE).files


@pytest.mark.parametrize("digest", ["", "0" * 63, "G" * 64, "A" * 64, "0" * 64 + "\n", 5])
def test_a_digest_is_64_lower_case_hexadecimal_digits(digest):
    with pytest.raises(BundleCorruptError, match="files"):
        parse_manifest(text_with(files={"model.onnx": digest}), WHERE)


@pytest.mark.parametrize(
    "name",
    [
        *("", "UPPER", "a b", "-a", ".a", "a/b", "é", "a" * 101, "a\n"),
        *("con", "nul.1", "com9", "a."),  # no folders on Windows
    ],
)
def test_a_name_is_short_and_plain(name):
    with pytest.raises(BundleCorruptError, match="name: "):
        parse_manifest(text_with(name=name), WHERE)


def test_two_classes_of_one_name_are_refused():
    with pytest.raises(BundleCorruptError, match=r"classes: .*'cat' stands twice"):
        parse_manifest(text_with(classes=["dog", "cat", "cat"]), WHERE)


@pytest.mark.parametrize("image", [{"height": 4, "width": 28, "channels": 1}, {}, None])
def test_pixels_that_cannot_be_are_refused(image):
    with pytest.raises(BundleCorruptError, match=r"[iI]mage"):
        parse_manifest(text_with(image=image), WHERE)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_figure_is_a_number_since_json_has_no_other(value):
    with pytest.raises(ValidationError, match="finite"):
        Metric(value=value, low=0, high=1)
    metrics = {"accuracy": {"value": value, "low": 0, "high": 1}}
    with pytest.raises(BundleCorruptError, match=r"metrics\.accuracy\.value"):
        parse_manifest(text_with(metrics=metrics), WHERE)


def test_one_error_names_the_first_keys_and_counts_the_others():
    with pytest.raises(BundleCorruptError, match=r"name: .*classes: .*image: .*and 4 more\)") as e:
        parse_manifest('{"schema": 1}', WHERE)
    assert "pydantic" not in str(e.value)
    assert len(str(e.value).splitlines()) == 1


def test_a_manifest_cannot_be_changed():
    with pytest.raises(ValidationError):
        Manifest(**VALUES).name = "another"


ORDERS = "\x1b]0;title\x07\x1b[2J"


@pytest.mark.parametrize(
    "changes",
    [
        {"classes": ["a", text]}
        for text in (ORDERS, "two\nlines", "\u2028", "\x9b2J", "photo\u202egpj.exe", "\x7f")
    ]
    + [
        {"metrics": {ORDERS: {"value": 1, "low": 0, "high": 1}}},
        {"data": {"name": ORDERS, "fingerprint": "", "counts": {}}},
        {"data": {"name": "a", "fingerprint": ORDERS, "counts": {}}},
        {"data": {"name": "a", "fingerprint": "", "counts": {ORDERS: 1}}},
        {"parity": {"reference": ORDERS, "images": 1, "disagreements": 0, "max_difference": 0}},
        {"parent": ORDERS},
        {"git_commit": ORDERS},
        {"packages": {ORDERS: "1"}},
        {"packages": {"numpy": ORDERS}},
        {"files": {f"probe/{ORDERS}": "0" * 64}},
    ],
)
def test_no_text_of_it_gives_orders_to_a_terminal(changes):
    with pytest.raises(BundleCorruptError, match="control characters or a line's end") as refused:
        parse_manifest(text_with(**changes), WHERE)
    assert str(refused.value).isprintable()


@pytest.mark.parametrize(
    "name", ["caf\u00e9", "cafe\u0301", "\u732b", "\u0645\u06cc\u200c\u062e", "a\u00a0b"]
)
def test_classes_of_any_language_are_read(name):
    assert parse_manifest(text_with(classes=[name, "other"]), WHERE).classes[0] == name
