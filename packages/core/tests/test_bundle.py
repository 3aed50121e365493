import hashlib
import json
import math
import os
import re
from pathlib import Path

import pytest
from mlopsproj_core.bundle import (
    EVALUATION,
    MODEL,
    REFERENCE,
    REQUIRED,
    Bundle,
    seal_bundle,
    sha256_of,
)
from mlopsproj_core.errors import BundleCorruptError, BundleSchemaError
from mlopsproj_core.image import ImageSpec
from mlopsproj_core.manifest import MANIFEST, DataSummary, Metric, Parity
from small_bundle import make_small_bundle


@pytest.fixture
def bundle(tmp_path):
    return make_small_bundle(tmp_path / "bundle")


@pytest.fixture
def folder(tmp_path):
    """Holds every required file and is not sealed."""
    folder = tmp_path / "unsealed"
    for name in REQUIRED:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode())
    return folder


def seal(folder: Path, **changes) -> Bundle:
    values = {
        "name": "small",
        "classes": ("a", "b"),
        "image": ImageSpec(28, 28, 1),
        "metrics": {"accuracy": Metric(value=0.5, low=0.4, high=0.6)},
        "data": DataSummary(name="small", fingerprint="0" * 64, counts={"test": 2}),
    }
    return seal_bundle(folder, **{**values, **changes})


def change_manifest(bundle: Bundle, **changes) -> None:
    path = bundle.path / MANIFEST
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


# --- sealing ------------------------------------------------------------------------------------


def test_a_sealed_bundle_opens_as_it_was_sealed_and_verifies(bundle):
    bundle.verify()
    opened = Bundle.open(str(bundle.path))
    assert opened == bundle
    opened.verify()


def test_a_sealed_bundle_is_as_its_readers_see_it(folder):
    sealed = seal(folder, config={"widths": (32, 64)})
    assert sealed.manifest.config == {"widths": [32, 64]}
    assert sealed == Bundle.open(folder)


def test_a_figure_that_is_no_number_is_not_sealed(folder):
    parity = Parity(reference="torch", images=1, disagreements=0, max_difference=math.nan)
    with pytest.raises(BundleCorruptError, match="max_difference"):
        seal(folder, parity=parity)
    assert not (folder / MANIFEST).exists()


def test_sealing_records_the_sha256_of_every_other_file(folder):
    (folder / "probe" / "extra.png").write_bytes(b"extra")
    # Only the manifest at the top is the manifest.
    (folder / "probe" / MANIFEST).write_bytes(b"{}")
    bundle = seal(folder)
    on_disk = {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and path != folder / MANIFEST
    }
    assert bundle.manifest.files == on_disk
    assert set(REQUIRED) < set(on_disk)


def test_sealing_again_replaces_the_manifest(folder):
    seal(folder)
    (folder / MODEL).write_bytes(b"another")
    seal(folder, name="again").verify()
    assert Bundle.open(folder).manifest.name == "again"


def test_sealing_overlooks_what_a_killed_sealing_left(folder):
    (folder / f".{MANIFEST}.12345").write_text('{"half": ')
    # The same process id comes again in a container.
    (folder / f".{MANIFEST}.{os.getpid()}").write_text('{"half": ')
    bundle = seal(folder)
    assert set(bundle.manifest.files) == set(REQUIRED)
    bundle.verify()


@pytest.mark.parametrize("missing", REQUIRED)
def test_refuses_to_seal_without_a_required_file(folder, missing):
    (folder / missing).unlink()
    with pytest.raises(BundleCorruptError, match=f"lacks {re.escape(missing)}: write"):
        seal(folder)
    assert not (folder / MANIFEST).exists()


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"name": "Not A Name"}, "name: "),
        ({"name": "../up"}, "name: "),
        ({"classes": ("only",)}, "classes: "),
        ({"classes": ("twice", "twice", "once")}, "classes: .*'twice' stands twice"),
    ],
)
def test_refuses_to_seal_what_no_reader_would_open(folder, changes, complaint):
    with pytest.raises(BundleCorruptError, match=f"cannot be sealed: {complaint}"):
        seal(folder, **changes)
    assert not (folder / MANIFEST).exists()


def test_a_sealing_that_fails_leaves_no_manifest_and_no_draft(folder, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    before = sorted(folder.rglob("*"))
    with pytest.raises(OSError, match="No space"):
        seal(folder)
    assert sorted(folder.rglob("*")) == before


# --- opening ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["missing", "empty", "file"])
def test_refuses_what_is_no_bundle(tmp_path, kind):
    path = tmp_path / "nothing"
    if kind == "empty":
        path.mkdir()
    elif kind == "file":
        path.write_bytes(b"")
    with pytest.raises(BundleCorruptError, match=r"holds no bundle .*give the folder"):
        Bundle.open(path)


def test_a_bundle_of_a_newer_schema_is_refused_and_names_the_mend(bundle):
    change_manifest(bundle, schema=2, name=["of", "another", "kind"])
    with pytest.raises(BundleSchemaError, match="schema 2; this release reads schema 1: upgrade"):
        Bundle.open(bundle.path)


def test_keys_that_a_reader_does_not_know_are_ignored(bundle):
    change_manifest(bundle, colour="blue", image={"height": 28, "width": 28, "channels": 1, "x": 0})
    opened = Bundle.open(bundle.path)
    assert opened.manifest == bundle.manifest
    opened.verify()


def test_a_manifest_cut_off_in_the_middle_is_refused(bundle):
    path = bundle.path / MANIFEST
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(BundleCorruptError, match="no bundle manifest"):
        Bundle.open(bundle.path)


# --- verifying ----------------------------------------------------------------------------------

FILES = [*REQUIRED, "probe/colour-large.jpg", "probe/grey-exact.png"]


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(bundle, name):
    (bundle.path / name).unlink()
    with pytest.raises(BundleCorruptError, match=rf"is damaged: {re.escape(name)} is missing\."):
        bundle.verify()


@pytest.mark.parametrize("name", FILES)
def test_a_changed_file_is_named(bundle, name):
    path = bundle.path / name
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(BundleCorruptError, match=rf"is damaged: {re.escape(name)} was changed"):
        bundle.verify()


def test_one_flipped_bit_is_seen(bundle):
    data = bytearray((bundle.path / MODEL).read_bytes())
    data[len(data) // 2] ^= 1
    (bundle.path / MODEL).write_bytes(data)
    with pytest.raises(BundleCorruptError, match=r"model\.onnx was changed \(its sha256 is"):
        bundle.verify()


def test_a_folder_in_the_place_of_a_file_is_refused(bundle):
    (bundle.path / EVALUATION).unlink()
    (bundle.path / EVALUATION).mkdir()
    with pytest.raises(BundleCorruptError, match=rf"{EVALUATION} cannot be read \("):
        bundle.verify()


@pytest.mark.parametrize("name", REQUIRED)
def test_a_required_file_that_the_manifest_leaves_out_is_named(bundle, name):
    files = {key: value for key, value in bundle.manifest.files.items() if key != name}
    change_manifest(bundle, files=files)
    with pytest.raises(BundleCorruptError, match=rf"{re.escape(name)} is not in the manifest\."):
        Bundle.open(bundle.path).verify()


def test_all_that_is_wrong_is_named_at_once(bundle):
    files = {key: value for key, value in bundle.manifest.files.items() if key != MODEL}
    change_manifest(bundle, files=files)
    (bundle.path / EVALUATION).unlink()
    (bundle.path / REFERENCE).write_bytes(b"other rows")
    with pytest.raises(BundleCorruptError) as raised:
        Bundle.open(bundle.path).verify()
    for complaint in (
        f"{MODEL} is not in the manifest",
        f"{EVALUATION} is missing",
        f"{REFERENCE} was changed",
    ):
        assert complaint in str(raised.value)


def test_a_manifest_cannot_point_outside_its_bundle(bundle):
    secret = bundle.path.parent / "secret"
    secret.write_bytes(b"secret")
    files = {**bundle.manifest.files, "../secret": sha256_of(secret)}
    change_manifest(bundle, files=files)
    with pytest.raises(BundleCorruptError, match="is no path inside the bundle"):
        Bundle.open(bundle.path)


def test_files_that_were_not_sealed_do_not_matter(bundle):
    (bundle.path / "notes.txt").write_text("mine")
    bundle.verify()


def test_sha256_is_that_of_the_whole_file(tmp_path):
    data = os.urandom(3_000_000)
    (tmp_path / REFERENCE).write_bytes(data)
    assert sha256_of(tmp_path / REFERENCE) == hashlib.sha256(data).hexdigest()
