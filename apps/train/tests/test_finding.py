import shutil

import pytest
from mlopsproj_core.errors import BundleCorruptError, NotFoundError
from mlopsproj_core.registry import Registry
from mlopsproj_train.finding import find_bundle, load_predictor
from small_bundle import make_small_bundle


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch, tmp_path):
    for name in ("MLOPSPROJ_MODEL", "MLOPSPROJ_REGISTRY_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def bundle(tmp_path):
    return make_small_bundle(tmp_path / "run" / "bundle")


@pytest.fixture
def registry(tmp_path, bundle):
    """Two versions of `brightness`, the second in production."""
    registry = Registry(str(tmp_path / "registry"))
    for _ in range(2):
        registry.publish(bundle)
    registry.move_alias("brightness", "production", 2, actor="me", reason="test")
    registry.move_alias("brightness", "candidate", 1, actor="me", reason="test")
    return registry


@pytest.mark.parametrize("reference", ["run", "run/bundle", "./run"])
def test_by_the_folder_of_a_run_or_bundle(bundle, reference):
    name, folder = find_bundle(reference, None)
    assert folder.resolve() == bundle.path
    assert name == str(folder)


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        (None, "brightness:2"),
        ("", "brightness:2"),
        ("brightness", "brightness:2"),
        ("brightness@candidate", "brightness:1"),
        ("@candidate", "brightness:1"),
        ("brightness:1", "brightness:1"),
    ],
)
def test_by_what_the_registry_calls_it(registry, reference, expected):
    for url in (None, registry.url):
        name, folder = find_bundle(reference, url)
        assert name == expected
        assert (folder / "manifest.json").exists()


def test_the_environment_tells_which_of_several_is_meant(registry, monkeypatch, tmp_path):
    registry.publish(make_small_bundle(tmp_path / "made", name="other"))
    registry.move_alias("other", "production", 1, actor="me", reason="test")
    with pytest.raises(NotFoundError, match=r"several models.*MLOPSPROJ_MODEL"):
        find_bundle(None, None)
    monkeypatch.setenv("MLOPSPROJ_MODEL", "brightness")
    assert find_bundle(None, None)[0] == "brightness:2"
    assert find_bundle("@candidate", None)[0] == "brightness:1"
    assert find_bundle(":1", None)[0] == "brightness:1"
    assert find_bundle("other", None)[0] == "other:1"
    monkeypatch.setenv("MLOPSPROJ_MODEL", "brightness@candidate")
    assert find_bundle(None, None)[0] == "brightness:1"


def test_the_environment_tells_where_the_registry_is(registry, monkeypatch, tmp_path):
    registry_elsewhere = tmp_path / "elsewhere"
    shutil.move(registry.url, registry_elsewhere)
    with pytest.raises(NotFoundError, match="holds no model: make one with `uv run train`"):
        find_bundle(None, None)
    monkeypatch.setenv("MLOPSPROJ_REGISTRY_URL", str(registry_elsewhere))
    assert find_bundle(None, None)[0] == "brightness:2"


@pytest.mark.parametrize("reference", ["runs/none", "./none", "run/unfinished"])
def test_a_folder_without_a_bundle_is_named(registry, tmp_path, reference):
    (tmp_path / "run" / "unfinished" / "bundle").mkdir(parents=True)
    with pytest.raises(NotFoundError, match=f"{reference} holds no bundle: name the folder"):
        find_bundle(reference, None)


@pytest.mark.parametrize("reference", ["nothing", "brightness:3", "brightness@shadow"])
def test_what_there_is_not_is_named(registry, reference):
    with pytest.raises(NotFoundError, match=r"nothing|brightness:3|shadow"):
        find_bundle(reference, None)


def test_a_predictor_is_verified_and_probed(bundle):
    name, predictor = load_predictor("run", None)
    assert (name, predictor.manifest) == ("run/bundle", bundle.manifest)
    (bundle.path / "model.onnx").write_bytes(b"changed")
    with pytest.raises(BundleCorruptError, match=r"model\.onnx"):
        load_predictor("run", None)
