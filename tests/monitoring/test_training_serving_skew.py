"""What the service logs is what the reference holds: a stream without drift must look like none.

From image files to verdict by the real code: `data prepare`, the bundle, the api as a process, its
log, the monitor's window.
"""

from pathlib import Path

import numpy as np
import pytest
from mlopsproj_core.bundle import MODEL, REFERENCE
from mlopsproj_core.onnx_graph import OnnxGraph
from mlopsproj_core.outputs import Outputs
from mlopsproj_data import DataConfig, prepare
from mlopsproj_evaluation import score, write_reference
from mlopsproj_monitoring import DriftDetector, Reference, WindowConfig, read_window
from mlopsproj_monitoring.sample import NUMERIC_STATISTICS
from mlopsproj_records import Database
from monitoring.photos import photos
from serving.server import Api, publish
from small_bundle import CLASSES, SPEC, make_small_bundle

IMAGES = 300


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """Photos of two classes as `data prepare` leaves them, all but a few in the test split."""
    folder = tmp_path_factory.mktemp("photos")
    for split, made in (("train", photos(8, skip=5000)), ("test", photos(IMAGES))):
        for number, (name, content) in enumerate(made):
            path = folder / "source" / split / CLASSES[number % 2] / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    return prepare(
        DataConfig(
            source="folders",
            path=str(folder / "source"),
            name="brightness",
            image_size=SPEC.height,
            channels=SPEC.channels,
            prepared_dir=str(folder / "prepared"),
        )
    )


@pytest.fixture(scope="module")
def bundle(prepared, tmp_path_factory):
    """As `train` makes them: outputs of the graph for the test split, and its statistics."""

    def fill(folder: Path) -> None:
        graph = OnnxGraph(folder / MODEL, SPEC, len(CLASSES))
        scores, outputs = score(graph.run, prepared.labelled("test"))
        assert isinstance(outputs, Outputs)
        write_reference(folder / REFERENCE, prepared.table("test"), scores, outputs)

    return make_small_bundle(tmp_path_factory.mktemp("bundle") / "bundle", fill=fill)


@pytest.fixture
def answered(bundle, tmp_path):
    """Sends photos to the api, and gives the window of its log and the detector."""
    api = Api(tmp_path / "api")
    publish(str(api.folder / "registry"), bundle, "production")

    def ask(made):
        api.start()
        for name, content in made:
            answer = api.predict(content, f"image/{'png' if name.endswith('png') else 'jpeg'}")
            assert answer.status_code == 200, answer.text
        assert api.terminate() == 0
        detector = DriftDetector(Reference.read(bundle))
        with Database(f"sqlite:///{api.folder / 'mlopsproj.db'}") as database:
            return detector, read_window(database, detector, 1, WindowConfig(images=len(made)))

    yield ask
    api.kill()


@pytest.mark.slow
def test_the_same_photos_are_logged_as_the_reference_holds_them(answered, bundle):
    made = photos(IMAGES)
    detector, window = answered(made)
    assert window.images == IMAGES
    logged, reference = window.rows, Reference.read(bundle).sample
    # Rows in the order of their content: ids differ.
    orders = [
        np.lexsort([*(s.statistics[n].astype(np.float32) for n in NUMERIC_STATISTICS)])
        for s in (logged, reference)
    ]
    logged, reference = logged.take(orders[0]), reference.take(orders[1])
    for name in NUMERIC_STATISTICS:
        assert (logged.statistics[name].astype(np.float32) == reference.statistics[name]).all(), (
            name
        )
    assert sorted(logged.mode) == sorted(reference.mode)
    assert len(set(logged.mode)) == 3
    assert np.allclose(logged.probabilities, reference.probabilities, atol=1e-6)
    assert np.allclose(logged.embedding, reference.embedding, atol=1e-3)
    assert np.allclose(logged.ood_score, reference.ood_score, atol=1e-6)
    check = detector.check(window)
    assert check.verdict == "no drift"
    assert check.p_value == 1
    assert max(result.effect for result in check.detectors if result.effect_unit != "AUC") < 0.01


@pytest.mark.slow
def test_other_photos_of_the_same_kind_are_no_drift_and_darker_ones_are(answered):
    detector, window = answered(photos(200, skip=1000))
    assert detector.check(window).verdict == "no drift"
    detector, window = answered(photos(150, skip=2000, light=0.6))
    check = detector.check(window)
    assert check.verdict == "drift"
    assert any(text.startswith("brightness fell") for text in check.changed), check.changed
