import pytest
from mlopsproj_core.copy_mark import CopyMark
from mlopsproj_core.errors import NotFoundError, RegistryError
from mlopsproj_core.store import Store
from mlopsproj_registry.verification import verify_registry


def test_all_versions_of_all_models(shop):
    shop.put(shop.publish())
    shop.publish(name="alpha")
    answer = verify_registry(shop.registry)
    assert answer.verified == ("alpha:1", "brightness:1")
    assert answer.broken == {}


def test_everything_that_is_broken_is_named(shop):
    changed, missing, unreadable, newer, good = (shop.publish() for _ in range(5))
    shop.damage(changed, "model.onnx")
    shop.file(missing, "probe/expected.npz").unlink()
    shop.file(unreadable, "manifest.json").write_text("{")
    shop.rewrite_manifest(newer, schema=2)
    answer = verify_registry(shop.registry)
    assert answer.verified == (str(good),)
    assert list(answer.broken) == [str(v) for v in (changed, missing, unreadable, newer)]
    for version, text in zip(
        (changed, missing, unreadable, newer),
        ("model.onnx", "expected.npz", "no bundle manifest", "upgrade"),
        strict=True,
    ):
        assert text in answer.broken[str(version)]


def test_one_version_alone(shop):
    good, bad = shop.publish(), shop.publish()
    shop.put(good)
    shop.damage(bad, "model_card.md")
    assert verify_registry(shop.registry, "brightness@production").broken == {}
    assert list(verify_registry(shop.registry, "brightness:2").broken) == ["brightness:2"]


def test_an_alias_that_points_at_nothing_is_broken(shop):
    shop.publish()
    gone = shop.publish()
    shop.put(gone)
    shop.file(gone, "manifest.json").unlink()
    answer = verify_registry(shop.registry)
    assert answer.verified == ("brightness:1",)
    assert "version 2, which is not there" in answer.broken["brightness@production"]


def test_an_alias_that_cannot_be_read_is_broken(shop, tmp_path):
    shop.put(shop.publish())
    gone = shop.publish()
    shop.put(gone, "candidate")
    shop.file(gone, "manifest.json").unlink()
    (tmp_path / "models/brightness/aliases/production/1.json").write_text("[]")
    broken = verify_registry(shop.registry).broken
    assert list(broken) == ["brightness@production", "brightness@candidate"]
    assert "production/1.json" in broken["brightness@production"]


def test_nothing_to_verify_is_no_success(shop):
    with pytest.raises(NotFoundError, match="uv run train"):
        verify_registry(shop.registry)
    shop.publish()
    with pytest.raises(NotFoundError, match="alpha"):
        verify_registry(shop.registry, "alpha:1")


def test_a_registry_that_cannot_be_reached_is_said_once(tmp_path):
    from mlopsproj_core.registry import Registry

    with pytest.raises(RegistryError, match="nowhere"):
        verify_registry(Registry("nowhere://bucket"))


def test_a_copy_that_is_not_finished_is_broken(shop):
    version = shop.publish()
    CopyMark(Store(shop.registry.url), "gs://shop/models").put()
    answer = verify_registry(shop.registry)
    assert "copy of gs://shop/models that is not finished" in answer.broken[shop.registry.url]
    assert verify_registry(shop.registry, str(version)).broken == {}
