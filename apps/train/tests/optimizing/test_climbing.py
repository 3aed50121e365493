import errno
import shutil
from dataclasses import replace

import pytest
from mlopsproj_core.errors import CompressionError
from mlopsproj_core.registry import Registry
from mlopsproj_train.optimizing import ladder
from mlopsproj_train.optimizing.climbing import climb
from mlopsproj_train.optimizing.config import DistillationConfig, PruningConfig
from mlopsproj_train.optimizing.ladder import make_ladder
from mlopsproj_train.optimizing.parent import find_parent
from mlopsproj_train.optimizing.workshop import Outcome, Workshop


@pytest.fixture
def workshop_of(tmp_path):
    def make(config):
        parent = find_parent(config, Registry(config.registry), own_data=True)
        return Workshop(parent, config, tmp_path / "climb")

    return make


def test_without_the_run_what_needs_its_weights_is_skipped_and_the_rest_is_not(
    model, tmp_path, workshop_of, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(model.run.bundle, elsewhere)
    config = model.config(
        tmp_path,
        bundle=str(elsewhere),
        pruning=PruningConfig(ratios=(0.5,), epochs=1),
        distillation=DistillationConfig(widths=(0.5,), epochs=1),
    )
    workshop = workshop_of(config)
    workshop = replace(workshop, parent=replace(workshop.parent, weights=None))
    climb(workshop, make_ladder(config))
    skipped = {name: o.reason for name, o in workshop.outcomes.items() if o.reason}
    assert skipped.keys() == {"pruned-50", "pruned-50-int8"}
    assert "weights of tiny:1 are not here" in skipped["pruned-50"]
    assert skipped["pruned-50-int8"] == "It is made from pruned-50, which was skipped."
    assert {"int8-minmax", "distilled-50-int8"} <= set(workshop.standing)
    # It is tried again once the weights are there, and then stays when they are gone.
    again = workshop_of(replace(config, bundle=str(model.run.path)))
    climb(again, make_ladder(config))
    assert "pruned-50-int8" in again.standing
    once_more = replace(again, parent=replace(again.parent, weights=None), outcomes={})
    climb(once_more, make_ladder(config))
    assert once_more.standing == again.standing


def test_what_nobody_foresaw_skips_one_rung_and_is_tried_again(
    model, tmp_path, workshop_of, monkeypatch
):
    config = model.config(tmp_path)

    def breaks(*_):
        raise RuntimeError("out of memory")

    with monkeypatch.context() as patch:
        patch.setattr(ladder, "quantise_dynamic", breaks)
        workshop = workshop_of(config)
        climb(workshop, make_ladder(config))
    assert workshop.outcomes["int8-dynamic"].reason == "RuntimeError: out of memory"
    assert "int8-minmax" in workshop.standing
    again = workshop_of(config)
    climb(again, make_ladder(config))
    assert "int8-dynamic" in again.standing


def test_a_full_disk_ends_the_climb(model, tmp_path, workshop_of, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(ladder, "quantise_dynamic", full)
    config = model.config(tmp_path)
    with pytest.raises(OSError, match="No space left"):
        climb(workshop_of(config), make_ladder(config))


def test_what_is_made_from_another_graph_is_made_again(model, tmp_path, workshop_of):
    config = model.config(tmp_path)
    workshop = workshop_of(config)
    climb(workshop, make_ladder(config))
    before = workshop.outcomes
    after = workshop_of(config)
    rungs = make_ladder(config)
    other = [
        replace(rung, settings={"changed": 1}) if rung.name == "folded" else rung for rung in rungs
    ]
    climb(after, other)
    # The same graph came out: what is made from it stays.
    changed = {name for name in before if before[name].key != after.outcomes[name].key}
    assert changed == {"folded"}


def test_a_network_needs_no_weights_from_elsewhere(model, tmp_path, workshop_of):
    workshop = workshop_of(model.config(tmp_path))
    config = workshop.parent.config
    pretrained = replace(config, model=replace(config.model, pretrained=True))
    network = replace(workshop, parent=replace(workshop.parent, config=pretrained)).network()
    assert not network.training
    broken = tmp_path / "broken.ckpt"
    broken.write_bytes(b"nothing")
    with pytest.raises(CompressionError, match=r"broken.ckpt cannot be used"):
        replace(workshop, parent=replace(workshop.parent, weights=broken)).network()


def test_a_rung_that_fails_leaves_no_half_bundle(model, tmp_path, workshop_of, caplog):
    config = model.config(tmp_path)
    workshop = workshop_of(replace(config, quantisation=replace(config.quantisation, images=0)))
    climb(workshop, make_ladder(config))
    assert "no image to calibrate on" in workshop.outcomes["int8-minmax"].reason
    assert workshop.outcomes["int8-mixed"].reason.startswith("No int8 variant")
    assert "int8-dynamic" in workshop.standing
    assert not workshop.bundle("int8-minmax").exists()
    assert "int8-minmax is skipped: There is no image" in caplog.text


@pytest.mark.parametrize("text", ["", "{", "[]", '{"key": "k"}', '{"key": "k", "details": 3}'])
def test_an_outcome_that_cannot_be_read_is_none(tmp_path, text):
    path = tmp_path / "outcome.json"
    assert Outcome.read(path) is None
    path.write_text(text)
    assert Outcome.read(path) is None


def test_an_outcome_is_read_as_it_was_written(tmp_path):
    outcome = Outcome("k", None, {"made": "so", "share": 0.5}, 1.5)
    outcome.write(tmp_path / "outcome.json")
    assert Outcome.read(tmp_path / "outcome.json") == outcome
