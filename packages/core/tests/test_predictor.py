import io
import json
import logging
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from mlopsproj_core import Predictor
from mlopsproj_core.bundle import MODEL, Bundle, sha256_of
from mlopsproj_core.cpu import available_cpus
from mlopsproj_core.errors import (
    BundleCorruptError,
    BundleSchemaError,
    ConfigError,
    ImageError,
    ProbeError,
)
from mlopsproj_core.image import ImageSpec, prepare_image
from mlopsproj_core.manifest import MANIFEST
from onnx import parser, save
from PIL import Image
from small_bundle import CLASSES, GRAPH, SPEC, make_small_bundle


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return make_small_bundle(tmp_path_factory.mktemp("predictor") / "bundle")


@pytest.fixture(scope="module")
def predictor(bundle):
    return Predictor.load(bundle.path)


@pytest.fixture
def own_bundle(tmp_path):
    """One that a test may spoil."""
    return make_small_bundle(tmp_path / "bundle")


def reseal(bundle, **changes) -> None:
    """Record what is in the folder now, as somebody who wants the bundle to verify would."""
    path = bundle.path / MANIFEST
    files = {name: sha256_of(bundle.path / name) for name in bundle.manifest.files}
    path.write_text(json.dumps({**json.loads(path.read_text()), "files": files, **changes}))


def picture(brightness: int, height: int = 50, width: int = 40, format_: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), (brightness,) * 3).save(buffer, format_)
    return buffer.getvalue()


# --- predicting ---------------------------------------------------------------------------------


def test_predicts_from_bytes_and_arrays_of_any_size_in_one_batch(predictor):
    predictions = predictor.predict(
        [
            picture(255),
            picture(0, format_="JPEG"),
            np.full((100, 7), 255, dtype=np.uint8),
            np.zeros((28, 28, 1), dtype=np.uint8),
            np.full((9, 9, 3), 255, dtype=np.uint8),
        ]
    )
    labels = [prediction.label for prediction in predictions]
    assert labels == ["bright", "dark", "bright", "dark", "bright"]
    assert all(prediction.probability > 0.99 for prediction in predictions)


def test_a_prediction_says_what_the_graph_gives(predictor):
    source = np.random.default_rng(0).integers(0, 256, (60, 50, 3), dtype=np.uint8)
    (prediction,) = predictor.predict([source])
    prepared = prepare_image(source, SPEC)
    outputs = predictor.run(prepared.pixels[None])
    assert np.array_equal(prediction.probabilities, outputs.probabilities[0])
    assert np.array_equal(prediction.embedding, outputs.embedding[0])
    assert prediction.ood_score == outputs.ood_score[0]
    assert prediction.statistics == prepared.statistics
    best = int(outputs.probabilities[0].argmax())
    assert prediction.label == CLASSES[best]
    assert prediction.probability == float(outputs.probabilities[0, best])


@pytest.mark.parametrize("brightness", [0, 90, 127, 128, 170, 255])
def test_the_ranking_holds_every_class_the_most_probable_first(predictor, brightness):
    (prediction,) = predictor.predict([picture(brightness)])
    probabilities = [item.probability for item in prediction.ranking]
    assert probabilities == sorted(probabilities, reverse=True)
    assert {item.name: item.probability for item in prediction.ranking} == dict(
        zip(CLASSES, prediction.probabilities.tolist(), strict=True)
    )


def test_an_image_is_judged_the_same_alone_and_in_a_batch(predictor):
    images = [picture(value) for value in range(0, 256, 15)]
    together = predictor.predict(images)
    for image, expected in zip(images, together, strict=True):
        (alone,) = predictor.predict([image])
        assert alone.probabilities == pytest.approx(expected.probabilities, abs=1e-6)
        assert alone.statistics == expected.statistics


def test_no_image_gives_no_prediction(predictor):
    assert predictor.predict([]) == []
    assert predictor.predict_prepared([]) == []


# --- images that cannot be used -----------------------------------------------------------------


@pytest.mark.parametrize("bad", [b"", b"text", picture(9)[:60], np.zeros((2, 2)), None, "a.png"])
def test_the_bad_image_of_a_batch_is_named(predictor, bad):
    with pytest.raises(ImageError, match=r"^Image 2 of 3: (The|A|An|\d) ?"):
        predictor.predict([picture(9), bad, b""])


def test_a_single_bad_image_needs_no_number(predictor):
    with pytest.raises(ImageError, match=r"^The image is empty"):
        predictor.predict([b""])


def test_a_caller_can_go_on_without_the_bad_images(predictor):
    prepared, refused = {}, {}
    for number, image in enumerate([picture(255), b"", picture(0)]):
        try:
            prepared[number] = predictor.prepare(image)
        except ImageError as error:
            refused[number] = str(error)
    predictions = predictor.predict_prepared(list(prepared.values()))
    labels = [prediction.label for prediction in predictions]
    assert dict(zip(prepared, labels, strict=True)) == {0: "bright", 2: "dark"}
    assert refused == {1: "The image is empty (0 bytes)."}


@pytest.mark.parametrize(
    "images", [picture(9), np.zeros((28, 28), dtype=np.uint8), np.zeros((2, 9, 9, 3), np.uint8)]
)
def test_one_image_is_no_list_of_images(predictor, images):
    with pytest.raises(ImageError, match=r"call predict\(\[image\]\), or predict\(list\(array\)\)"):
        predictor.predict(images)


def test_images_prepared_for_another_bundle_are_refused(predictor):
    other = prepare_image(picture(9), ImageSpec(32, 32, 3))
    with pytest.raises(ImageError, match=r"takes uint8 \(N, 28, 28, 1\)"):
        predictor.predict_prepared([other])


# --- threads ------------------------------------------------------------------------------------


def test_several_threads_may_predict_at_once(predictor):
    images = [picture(value, 20 + value, 30) for value in range(0, 256, 17)]
    expected = [predictor.predict([image])[0].probabilities for image in images]
    barrier = threading.Barrier(8)

    def work(seed: int):
        order = np.random.default_rng(seed).permutation(len(images))
        barrier.wait()
        return {int(n): predictor.predict([images[n]])[0].probabilities for n in order}

    with ThreadPoolExecutor(8) as pool:
        for found in pool.map(work, range(8)):
            for number, probabilities in found.items():
                assert probabilities == pytest.approx(expected[number], abs=1e-6)


def test_the_session_has_the_cores_of_the_process_or_what_it_is_given(bundle, predictor):
    def threads(of):
        return of._graph._session.get_session_options().intra_op_num_threads

    assert threads(predictor) == available_cpus()
    assert threads(Predictor.load(bundle.path, threads=3)) == 3
    with pytest.raises(ConfigError, match="threads=0"):
        Predictor.load(bundle.path, threads=0)


# --- loading ------------------------------------------------------------------------------------


def test_loads_from_a_path_or_its_text_and_says_so(bundle, caplog):
    with caplog.at_level(logging.DEBUG, logger="mlopsproj_core"):
        predictor = Predictor.load(str(bundle.path))
    assert predictor.manifest == bundle.manifest
    assert f"loaded brightness from {bundle.path}" in caplog.text


def test_a_changed_graph_is_refused_before_it_is_run(own_bundle):
    (own_bundle.path / MODEL).write_bytes(b"changed")
    with pytest.raises(BundleCorruptError, match=r"The bundle .* model\.onnx was changed"):
        Predictor.load(own_bundle.path)


def test_a_newer_bundle_is_refused(own_bundle):
    reseal(own_bundle, schema=2)
    with pytest.raises(BundleSchemaError, match="upgrade mlopsproj"):
        Predictor.load(own_bundle.path)


def test_a_graph_that_computes_otherwise_than_the_probe_expects_is_refused(own_bundle):
    text = GRAPH.replace("{-8.0, 8.0}", "{-7.9, 7.9}")
    save(parser.parse_model(text), own_bundle.path / MODEL)
    reseal(own_bundle)
    with pytest.raises(ProbeError, match="a probability differs by"):
        Predictor.load(own_bundle.path)
    # Whoever wants it nevertheless says so.
    assert Predictor(Bundle.open(own_bundle.path)).predict([picture(255)])[0].label == "bright"


def test_a_graph_that_gives_no_number_is_refused(own_bundle):
    text = GRAPH.replace("{-8.0, 8.0}", "{-8.0, 1e38}").replace("half = {0.5}", "half = {-1e38}")
    save(parser.parse_model(text), own_bundle.path / MODEL)
    reseal(own_bundle)
    with pytest.raises(ProbeError, match="a probability differs by nan"):
        Predictor.load(own_bundle.path)


def test_a_machine_that_decodes_otherwise_is_refused(own_bundle, monkeypatch):
    def without_exif(data, spec):
        with Image.open(io.BytesIO(data)) as image:
            return prepare_image(np.asarray(image), spec)

    monkeypatch.setattr("mlopsproj_core.probe.prepare_image", without_exif)
    with pytest.raises(ProbeError, match=r"decodes colour-rotated\.jpg otherwise"):
        Predictor.load(own_bundle.path)


def test_a_manifest_that_names_more_classes_than_the_graph_gives_is_refused(own_bundle):
    reseal(own_bundle, classes=["dark", "bright", "brighter"])
    with pytest.raises(BundleCorruptError, match="probabilities of the graph break the contract"):
        Predictor.load(own_bundle.path)
