from pathlib import Path

import fsspec
import pytest
from mlopsproj_core.registry import Registry
from mlopsproj_doctor import production
from mlopsproj_doctor.findings import State
from mlopsproj_doctor.production import examine_production
from small_bundle import make_small_bundle


def test_nothing_in_production(folder):
    (finding,) = examine_production(Registry("./registry"), None)
    assert finding.state is State.OK
    assert not list(folder.iterdir())


def test_a_bundle_that_loads_passes_its_probe(registry, folder, contents):
    before = contents(folder)
    (finding,) = examine_production(registry, None)
    assert (finding.name, finding.state) == ("brightness@production", State.OK)
    assert "brightness:1 loads and passes its probe" in finding.text
    assert contents(folder) == before


@pytest.mark.parametrize("file", ["model.onnx", "probe/expected.npz", "manifest.json"])
def test_a_damaged_bundle_fails(registry, file):
    with Path("registry/brightness/versions/1", file).open("ab") as damaged:
        damaged.write(b"damage")
    (finding,) = examine_production(registry, None)
    assert finding.state is State.FAIL
    assert file.rpartition("/")[2] in finding.text


def test_a_bundle_that_computes_otherwise_here_fails(registry, folder, monkeypatch):
    def other(path, **_):
        raise production.MlopsprojError("the probe gave something else")

    monkeypatch.setattr(production.Predictor, "load", other)
    (finding,) = examine_production(registry, None)
    assert (finding.state, finding.text) == (State.FAIL, "the probe gave something else")


def test_each_model_s_production_is_loaded_unless_one_is_meant(registry, folder):
    registry.publish(make_small_bundle(folder / "bundle", name="other"))
    registry.move_alias("other", "production", 1, actor="test", reason="x")
    Path("registry/other/versions/1/model.onnx").write_bytes(b"")
    states = {finding.name: finding.state for finding in examine_production(registry, None)}
    assert states == {"brightness@production": State.OK, "other@production": State.FAIL}
    (finding,) = examine_production(registry, "brightness")
    assert (finding.name, finding.state) == ("brightness@production", State.OK)
    (finding,) = examine_production(registry, "brightness:2")
    assert finding.state is State.OK
    (finding,) = examine_production(registry, "absent")
    assert finding.state is State.FAIL


def test_what_lies_elsewhere_is_fetched_into_a_temporary_folder(
    tmp_path, folder, contents, monkeypatch
):
    url = f"memory://{tmp_path.name}/registry"
    registry = Registry(url)
    registry.publish(make_small_bundle(tmp_path / "bundle"))
    registry.move_alias("brightness", "production", 1, actor="test", reason="x")
    monkeypatch.setenv("MLOPSPROJ_REGISTRY_URL", url)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    before = contents(tmp_path)
    try:
        (finding,) = production.examine()
    finally:
        fsspec.filesystem("memory").store.clear()
    assert finding.state is State.OK, finding
    assert contents(tmp_path) == before
