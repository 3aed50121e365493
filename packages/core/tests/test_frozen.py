"""What an earlier release wrote is read: bundles and the registry as they were frozen then."""

import json
import shutil
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from mlopsproj_core import Bundle, Predictor
from mlopsproj_core.archive import back_up
from mlopsproj_core.errors import NotFoundError
from mlopsproj_core.garbage import find_garbage
from mlopsproj_core.manifest import SCHEMA
from mlopsproj_core.registry import ModelVersion, Registry

FROZEN = Path(__file__).with_name("frozen")
READABLE = [schema for schema in (SCHEMA - 1, SCHEMA) if schema > 0]


@pytest.fixture(params=READABLE)
def registry(request, tmp_path):
    """A copy of what `frozen/make_frozen.py` has made."""
    place = tmp_path / "registry"
    shutil.copytree(FROZEN / f"registry-{request.param}", place)
    manifest = json.loads((place / "brightness/versions/1/manifest.json").read_bytes())
    assert manifest["schema"] == request.param
    return Registry(str(place))


def test_every_schema_that_is_read_was_frozen():
    """Where this fails: see `frozen/make_frozen.py`."""
    found = {path.name for path in FROZEN.iterdir() if path.is_dir()}
    assert {f"registry-{schema}" for schema in READABLE} <= found


def test_versions_are_whole_and_predict(registry):
    assert registry.versions("brightness") == [1, 4]
    for version in registry.all_versions():
        registry.verify(version)
        folder = registry.fetch(version)
        Bundle.open(folder).verify()
        predictor = Predictor.load(folder)  # holds this machine against the probe
        images = [np.full((28, 28), level, np.uint8) for level in (0, 255)]
        assert [one.label for one in predictor.predict(images)] == ["dark", "bright"]


def test_a_manifest_says_what_it_said(registry):
    manifest = registry.manifest(ModelVersion("brightness", 4))
    assert manifest.classes == ("dark", "bright")
    assert manifest.parent == "brightness:1"
    assert (manifest.metrics["accuracy"].value, manifest.metrics["accuracy"].low) == (1.0, 0.9)
    assert manifest.parity.reference == "torch"
    assert manifest.data.counts == {"test": 0}


def test_aliases_point_where_they_did_and_go_on(registry):
    moves = registry.history("brightness", "production")
    assert [(move.version, move.rollback, move.actor) for move in moves] == [
        (1, False, "Ada"),
        (4, False, "Ada"),
        (1, True, "Bob"),
    ]
    assert moves[-1].reason == "rollback from 4: wrong at night"
    assert registry.resolve("@candidate").number == 4
    with pytest.raises(NotFoundError, match="no version before the present one"):
        registry.rollback("brightness", "production", actor="a", reason="r")
    registry.move_alias("brightness", "production", 4, actor="a", reason="r")
    assert registry.rollback("brightness", "production", actor="a", reason="r").version == 1


def test_numbers_that_were_taken_stay_taken(registry):
    with pytest.raises(NotFoundError, match="no brightness:2 any more, since it was removed"):
        registry.resolve("brightness:2")
    bundle = Bundle.open(registry.fetch(ModelVersion("brightness", 1)))
    assert registry.publish(bundle).number == 5


def test_what_nobody_needs_is_known(registry):
    survey = find_garbage(registry, timedelta(0))
    assert [(g.version.number, g.kind) for g in survey.garbage] == [(3, "unfinished")]


def test_it_is_backed_up(registry, tmp_path):
    done = back_up(registry.url, str(tmp_path / "backup"))
    assert (done.versions, done.moves) == (["brightness:1", "brightness:4"], 4)
    assert done.left_out == {}
