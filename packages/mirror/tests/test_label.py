from datetime import UTC, datetime
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlopsproj_core.alias_history import AliasMove
from mlopsproj_core.registry import ModelVersion
from mlopsproj_mirror.label import Label, MirroredMove, facts

SHA = "ab" * 32

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


def a_move(sequence=1):
    return AliasMove(
        alias="production",
        sequence=sequence,
        id=uuid4(),
        version=1,
        actor="ada",
        reason="test",
        time=datetime.now(UTC),
    )


def test_a_label_is_read_as_it_was_written():
    label = Label(version="digits:3", manifest_sha256=SHA).moved("production", a_move(4))
    assert Label.read(label.as_dict() | {"something": "else"}) == label


def test_a_move_replaces_the_one_before_of_its_alias_alone():
    label = Label(version="digits:3", manifest_sha256=SHA)
    first, second, other = a_move(1), a_move(2), a_move(1)
    moved = label.moved("production", first).moved("shadow", other).moved("production", second)
    assert moved.moves == {
        "production": MirroredMove.of(second),
        "shadow": MirroredMove.of(other),
    }
    assert label.moves == {}


@given(st.dictionaries(st.sampled_from(["version", "manifest_sha256", "moves"]), json_values))
def test_metadata_that_strangers_wrote_is_a_label_or_none(metadata):
    label = Label.read(metadata)
    assert label is None or Label.read(label.as_dict()) == label


@pytest.mark.parametrize(
    "change",
    [
        {"version": None},
        {"manifest_sha256": "short"},
        {"moves": {"production": {"sequence": 0, "id": str(uuid4())}}},
        {"moves": {"production": {"sequence": 1, "id": "none"}}},
        {"moves": [1]},
    ],
)
def test_a_label_that_was_changed_by_hand_is_none(change):
    label = Label(version="digits:3", manifest_sha256=SHA).as_dict()
    assert Label.read(label) is not None
    assert Label.read({**label, **change}) is None


def test_facts_are_what_people_look_for(shop):
    version = shop.publish()
    manifest = shop.registry.manifest(version)
    label = Label(version=str(version), manifest_sha256=SHA)
    told = facts(version, manifest, label)
    assert Label.read(told) == label
    assert told["model"] == "brightness"
    assert told["metrics"] == {"accuracy": {"value": 1.0, "low": 0.9, "high": 1.0}}
    assert told["data_fingerprint"] == "0" * 64
    assert told["parent"] is None
    assert ModelVersion(told["model"], 1) == version
