import json
from pathlib import Path

import pytest
from mlopsproj_core.copy_mark import CopyMark
from mlopsproj_core.errors import RegistryError
from mlopsproj_core.registry import Registry
from mlopsproj_core.store import Store
from mlopsproj_doctor import registry as module
from mlopsproj_doctor.findings import State
from mlopsproj_doctor.registry import examine_registry
from small_bundle import make_small_bundle


def found(registry, model=None):
    return {finding.name: finding for finding in examine_registry(registry, model)}


def states(findings):
    return {name: finding.state.value for name, finding in findings.items()}


def test_an_absent_registry_is_not_made(folder, monkeypatch):
    findings = found(Registry("./registry"))
    assert states(findings) == {"models": "ok"}
    assert "uv run train" in findings["models"].text
    monkeypatch.setenv("MLOPSPROJ_REGISTRY_URL", "./registry")
    assert states(found(Registry("./registry"))) == {"models": "warn"}
    assert not list(folder.iterdir())


def test_an_empty_registry_is_well(folder):
    (folder / "registry").mkdir()
    assert states(found(Registry("./registry"))) == {"models": "ok"}


def test_models_versions_and_aliases(registry):
    findings = found(registry)
    assert states(findings) == {"registry": "ok", "brightness": "ok", "bundles": "ok"}
    assert findings["brightness"].text == "2 versions in ./registry; production is 1"
    assert findings["bundles"].text.startswith("2 of 2")


def test_an_alias_that_cannot_be_read_fails_and_hides_nothing(registry):
    registry.move_alias("brightness", "shadow", 2, actor="test", reason="x")
    Path("registry/brightness/aliases/shadow/1.json").write_text("{")
    findings = found(registry)
    assert states(findings) == {
        "registry": "ok",
        "brightness": "ok",
        "brightness@shadow": "fail",
        "bundles": "ok",
    }
    assert "shadow/1.json" in findings["brightness@shadow"].text


def test_an_alias_that_points_at_nothing_fails(registry):
    move = Path("registry/brightness/aliases/production/1.json")
    move.write_text(json.dumps({**json.loads(move.read_text()), "version": 7}))
    finding = found(registry)["brightness@production"]
    assert (finding.state, "version 7" in finding.text) == (State.FAIL, True)
    assert "registry rollback" in finding.mend


def test_a_model_without_production_is_a_warning(folder):
    registry = Registry("./registry")
    registry.publish(make_small_bundle(folder / "bundle"))
    finding = found(registry)["brightness@production"]
    assert (finding.state, finding.mend) == (State.WARN, "`registry promote brightness:1`")


@pytest.mark.parametrize(("number", "state"), [(1, State.FAIL), (2, State.WARN)])
@pytest.mark.parametrize("damage", ["not JSON", "schema"])
def test_a_version_that_cannot_be_read(registry, number, state, damage):
    """It fails where an alias points at it."""
    manifest = Path(f"registry/brightness/versions/{number}/manifest.json")
    content = json.loads(manifest.read_text())
    manifest.write_text("{" if damage == "not JSON" else json.dumps({**content, "schema": 99}))
    findings = found(registry)
    assert findings[f"brightness:{number}"].state is state
    assert findings["bundles"].text.startswith("1 of 2")


def test_of_many_versions_those_in_use_are_read_in_any_case(registry, monkeypatch):
    monkeypatch.setattr(module, "MANIFESTS_SECONDS", -1)
    Path("registry/brightness/versions/1/manifest.json").write_text("{")
    findings = found(registry)
    assert findings["brightness:1"].state is State.FAIL
    assert "`registry verify` reads the other 1" in findings["bundles"].text


def test_which_model_is_meant(registry, folder):
    assert found(registry, "brightness@production")["MLOPSPROJ_MODEL"].text.endswith("brightness:1")
    for absent in ("fashion", "brightness:9", "brightness@shadow", "no name!"):
        assert found(registry, absent)["MLOPSPROJ_MODEL"].state is State.FAIL
    registry.publish(make_small_bundle(folder / "bundle", name="other"))
    finding = found(registry)["MLOPSPROJ_MODEL"]
    assert (finding.state, finding.mend) == (State.WARN, "Set it to one of brightness, other.")


def test_what_is_no_folder_cannot_be_listed(folder):
    (folder / "registry").write_text("a file")
    with pytest.raises(RegistryError, match="registry"):
        found(Registry("./registry"))


def test_that_it_answers_is_said_before_its_versions_are_listed(registry, monkeypatch):
    """A check may be silent for seconds only, and a listing of thousands takes longer."""
    finding = next(examine_registry(Registry("./registry"), None))
    assert (finding.name, finding.state) == ("registry", State.OK)
    monkeypatch.setattr(Registry, "versions", lambda *_: pytest.fail("it listed them"))
    assert next(examine_registry(Registry("./registry"), None)) == finding


def test_a_copy_that_is_not_finished_fails(registry):
    CopyMark(Store(registry.url), "gs://old/registry").put()
    finding = found(registry)["copy"]
    assert finding.state is State.FAIL
    assert "a copy of gs://old/registry that is not finished" in finding.text
