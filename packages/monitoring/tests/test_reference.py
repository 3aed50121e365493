import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from mlopsproj_core.bundle import REFERENCE, Bundle
from mlopsproj_core.errors import BundleCorruptError, BundleSchemaError
from mlopsproj_monitoring import DriftConfig, DriftDetector, Reference
from small_bundle import make_small_bundle


def test_a_bundle_s_reference_is_read(tmp_path, make_bundle_reference):
    bundle = make_small_bundle(tmp_path / "bundle", fill=make_bundle_reference)
    reference = Reference.read(bundle)
    assert (reference.model, reference.classes) == ("brightness", ("dark", "bright"))
    assert len(reference) == 200
    assert reference.sample.labels[:3] == [0, 1, 0]
    answers = reference.sample.probabilities.argmax(axis=1)
    assert reference.accuracy == (answers == np.arange(200) % 2).mean()


@pytest.mark.parametrize(("classes", "dimensions"), [(2, 1), (2, 2000), (1000, 3)])
def test_any_number_of_classes_and_any_embedding_will_do(
    tmp_path, make_bundle_reference, classes, dimensions
):
    bundle = make_small_bundle(tmp_path / "bundle")
    make_bundle_reference(bundle.path, classes=classes, dimensions=dimensions)
    names = tuple(f"c{number}" for number in range(classes))
    manifest = bundle.manifest.model_copy(update={"classes": names})
    reference = Reference.read(Bundle(bundle.path, manifest))
    detector = DriftDetector(reference, DriftConfig(draws=1000))
    window = reference.sample.take(np.arange(100))
    assert detector.check(window).verdict == "no drift"


def test_a_missing_reference_is_told(tmp_path, make_bundle_reference):
    bundle = make_small_bundle(tmp_path / "bundle", fill=make_bundle_reference)
    (bundle.path / REFERENCE).unlink()
    with pytest.raises(BundleCorruptError, match=r"reference\.parquet holds no reference"):
        Reference.read(bundle)


def test_an_empty_file_is_no_reference(tmp_path):
    with pytest.raises(BundleCorruptError, match="holds no reference"):
        Reference.read(make_small_bundle(tmp_path / "bundle"))


def test_one_of_another_schema_is_refused(tmp_path, make_bundle_reference):
    bundle = make_small_bundle(tmp_path / "bundle", fill=make_bundle_reference)
    manifest = json.loads((bundle.path / "manifest.json").read_text())
    (bundle.path / "manifest.json").write_text(json.dumps({**manifest, "schema": 99}))
    with pytest.raises(BundleSchemaError, match="schema 99"):
        Bundle.open(bundle.path)
    table = pq.read_table(bundle.path / REFERENCE)
    names = [name.replace("ood_score", "distance") for name in table.column_names]
    table = table.rename_columns(names)
    pq.write_table(table, bundle.path / REFERENCE)
    with pytest.raises(BundleCorruptError, match="no column 'ood_score'"):
        Reference.read(bundle)


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"classes": 3}, "3 probabilities for each image, the manifest 2 classes"),
        ({"rows": 49}, "49 images; at least 50"),
    ],
)
def test_one_that_does_not_fit_the_manifest_is_refused(
    tmp_path, make_bundle_reference, values, complaint
):
    bundle = make_small_bundle(
        tmp_path / "bundle", fill=lambda folder: make_bundle_reference(folder, **values)
    )
    with pytest.raises(BundleCorruptError, match=complaint):
        Reference.read(bundle)


def test_labels_that_are_no_classes_are_refused(tmp_path, make_bundle_reference):
    bundle = make_small_bundle(tmp_path / "bundle", fill=make_bundle_reference)
    table = pq.read_table(bundle.path / REFERENCE)
    place = table.column_names.index("label")
    table = table.set_column(place, "label", pa.array(np.arange(200) % 5))
    pq.write_table(table, bundle.path / REFERENCE)
    with pytest.raises(BundleCorruptError, match="labels run from 0 to 4"):
        Reference.read(bundle)
