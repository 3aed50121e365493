import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlopsproj_core import LabelledImages, Outputs
from mlopsproj_core.bundle import MODEL
from mlopsproj_core.errors import BundleCorruptError, DataError
from mlopsproj_core.onnx_graph import OnnxGraph
from mlopsproj_evaluation import Scores, score
from small_bundle import CLASSES, SPEC, make_small_bundle


def write_columns(path, **changes):
    columns = {
        "id": pa.array([f"{row:064x}" for row in range(3)]),
        "label": pa.array([0, 1, 1], pa.int64()),
        "probabilities": pa.array([[0.9, 0.1], [0.5, 0.5], [0, 1]], pa.list_(pa.float32(), 2)),
        **changes,
    }
    pq.write_table(pa.table({name: c for name, c in columns.items() if c is not None}), path)


@settings(max_examples=50)
@given(images=st.integers(0, 40), classes=st.integers(2, 12), seed=st.integers(0, 2**32 - 1))
def test_what_is_written_is_read_again(tmp_path_factory, images, classes, seed):
    rng = np.random.default_rng(seed)
    scores = Scores(
        tuple(rng.bytes(32).hex() for _ in range(images)),
        rng.integers(0, classes, images),
        rng.dirichlet(np.ones(classes), images).astype(np.float32),
    )
    path = tmp_path_factory.getbasetemp() / "round_trip.parquet"
    scores.write(path)
    again = Scores.read(path)
    assert again.ids == scores.ids
    assert (again.labels == scores.labels).all()
    assert (again.probabilities == scores.probabilities).all()
    assert again.labels.dtype == np.int64
    assert again.probabilities.dtype == np.float32
    assert again.probabilities.shape == (images, classes)


def test_a_table_in_any_other_floats_is_written_as_the_contract_says(tmp_path, make_scores):
    ours = make_scores(5)
    Scores(ours.ids, ours.labels, ours.probabilities.astype(np.float64)).write(tmp_path / "e")
    assert (Scores.read(tmp_path / "e").probabilities == ours.probabilities).all()


def test_the_first_of_equally_probable_classes_is_predicted():
    scores = Scores(("a", "b"), np.array([0, 1]), np.array([[0.5, 0.5], [0.2, 0.8]], np.float32))
    assert scores.predicted.tolist() == [0, 1]
    assert scores.correct.tolist() == [True, True]


def test_short_ids_are_the_first_eight_bytes(make_scores):
    assert make_scores(3, first=0xFFFF).short_ids.tolist() == [0xFFFF, 0x10000, 0x10001]
    assert make_scores(1).short_ids.dtype == np.uint64


FAULTS = {
    "no ids": ({"id": None}, "no column 'id'"),
    "no labels": ({"label": None}, "no column 'label'"),
    "no probabilities": ({"probabilities": None}, "no column 'probabilities'"),
    "short labels": ({"label": pa.array([0, 1, 1], pa.int32())}, "int32, not int64"),
    "a null id": ({"id": pa.array(["0" * 64, None, "1" * 64])}, "'id' lacks values"),
    "a null label": ({"label": pa.array([0, None, 1], pa.int64())}, "'label' lacks values"),
    "a null probability": (
        {"probabilities": pa.array([[1, 0], [0, None], [1, 0]], pa.list_(pa.float32(), 2))},
        "'probabilities' lacks values",
    ),
    "not a number": (
        {"probabilities": pa.array([[1, 0], [np.nan, 1], [1, 0]], pa.list_(pa.float32(), 2))},
        "nan is no probability",
    ),
    "more than 1": (
        {"probabilities": pa.array([[1, 0], [0, 1.1], [1, 0]], pa.list_(pa.float32(), 2))},
        "1.1",
    ),
    "less than 0": (
        {"probabilities": pa.array([[1, 0], [-0.1, 1], [1, 0]], pa.list_(pa.float32(), 2))},
        "-0.1",
    ),
    "infinite": (
        {"probabilities": pa.array([[1, 0], [np.inf, 1], [1, 0]], pa.list_(pa.float32(), 2))},
        "inf is no probability",
    ),
    "lists of differing lengths": (
        {"probabilities": pa.array([[1, 0], [1], [1, 0]], pa.list_(pa.float32()))},
        "all of one length",
    ),
    "one class": (
        {"probabilities": pa.array([[1.0]] * 3, pa.list_(pa.float32(), 1))},
        "two classes or more",
    ),
    "a label beyond the classes": ({"label": pa.array([0, 2, 1], pa.int64())}, "label 2 is none"),
    "a label below them": ({"label": pa.array([0, -1, 1], pa.int64())}, "label -1 is none"),
    "an id in capitals": ({"id": pa.array(["A" * 64, "0" * 64, "1" * 64])}, "no hexadecimal"),
    "an id that is short": ({"id": pa.array(["a" * 63, "0" * 64, "1" * 64])}, "no hexadecimal"),
    "an id with a line end": (
        {"id": pa.array(["a" * 64 + "\n", "0" * 64, "1" * 64])},
        "no hexadecimal",
    ),
    "an id twice": ({"id": pa.array(["0" * 64, "1" * 64, "0" * 64])}, "occurs 2 times"),
}


@pytest.mark.parametrize(("changes", "reason"), FAULTS.values(), ids=FAULTS)
def test_an_evaluation_that_is_none_is_refused(tmp_path, changes, reason):
    write_columns(tmp_path / "evaluation.parquet", **changes)
    with pytest.raises(BundleCorruptError, match="holds no evaluation") as error:
        Scores.read(tmp_path / "evaluation.parquet")
    assert reason in str(error.value)


def test_a_whole_evaluation_is_not_refused(tmp_path):
    write_columns(tmp_path / "evaluation.parquet")
    assert len(Scores.read(tmp_path / "evaluation.parquet")) == 3


@pytest.mark.parametrize("content", [None, b"", b"PAR1 and no more"])
def test_a_file_that_is_missing_or_broken_is_refused(tmp_path, content):
    if content is not None:
        (tmp_path / "evaluation.parquet").write_bytes(content)
    with pytest.raises(BundleCorruptError, match="publish or fetch the bundle again"):
        Scores.read(tmp_path / "evaluation.parquet")


ROW = np.array([[0.5, 0.5]], np.float32)


@pytest.mark.parametrize(
    ("ids", "labels", "probabilities", "reason"),
    [
        (("a",), np.array([0]), np.float32([0.5, 0.5]), "two classes or more"),
        (("a",), np.array([0]), np.float32([[1]]), "two classes or more"),
        (("a", "b"), np.array([0]), ROW, "2 ids"),
        (("a",), np.array([0, 1]), ROW, "1 ids and labels (2,) stand beside 1 rows"),
        (("a",), np.array([[0]]), ROW, "labels (1, 1)"),
        (("a",), np.array([0.0]), ROW, "labels are float64"),
        (("a",), np.array([2]), ROW, "label 2 is none of the 2 classes, 0 to 1"),
        (("a",), np.array([0]), np.float32([[np.nan, 1]]), "nan is no probability"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(ids, labels, probabilities, reason):
    with pytest.raises(DataError, match="scores cannot be used") as error:
        Scores(ids, labels, probabilities)
    assert reason in str(error.value)


@pytest.fixture(scope="module")
def graph(tmp_path_factory):
    bundle = make_small_bundle(tmp_path_factory.mktemp("score") / "bundle")
    return OnnxGraph(bundle.path / MODEL, SPEC, len(CLASSES))


def grey_images(count):
    """Each of one brightness; bright ones are labelled so."""
    brightness = np.arange(count) * 37 % 256
    images = np.broadcast_to(brightness[:, None, None, None], (count, *SPEC.shape))
    ids = tuple(f"{number:064x}" for number in range(count))
    return LabelledImages(
        ids, images.astype(np.uint8), (brightness > 127).astype(np.int64), CLASSES
    )


@pytest.mark.parametrize("count", [1, 256, 257, 600])
def test_every_image_is_scored_once_in_its_order(graph, count):
    images, told = grey_images(count), []
    scores, outputs = score(graph.run, images, progress=lambda *done: told.append(done))
    assert scores.ids == images.ids
    assert scores.correct.all()
    assert len(outputs) == count
    assert outputs.embedding.shape == (count, 1)
    alone = graph.run(images.images[-1:])
    assert scores.probabilities[-1] == pytest.approx(alone.probabilities[0], abs=1e-6)
    assert outputs.ood_score[-1] == pytest.approx(alone.ood_score[0], abs=1e-6)
    assert told[-1] == (count, count)
    assert [done for done, _ in told] == sorted({done for done, _ in told})


def test_no_images_are_not_scored(graph):
    with pytest.raises(DataError, match="no image to score"):
        score(graph.run, grey_images(0))


def test_a_graph_that_gives_no_numbers_is_found_out():
    def run(images):
        broken = np.full((len(images), 2), np.nan, np.float32)
        return Outputs(broken, broken, broken[:, 0])

    with pytest.raises(DataError, match="nan is no probability"):
        score(run, grey_images(3))
