import importlib.util

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from mlopsproj_core.errors import ParityError
from mlopsproj_core.image import ImageSpec
from mlopsproj_core.labelled import LabelledImages
from mlopsproj_core.outputs import Outputs
from mlopsproj_models.config import ModelConfig
from mlopsproj_models.export import check_parity, compare_probabilities, export_onnx
from mlopsproj_models.factory import build_network
from mlopsproj_models.graph import calibrate

NEEDS_TIMM = pytest.mark.skipif(
    importlib.util.find_spec("timm") is None, reason="needs the extra timm"
)


@pytest.fixture(scope="module")
def graph(network, train, held_out):
    return calibrate(network, train, held_out)


@pytest.fixture(scope="module")
def session(graph, channels, tmp_path_factory):
    path = tmp_path_factory.mktemp("export") / "model.onnx"
    export_onnx(graph, ImageSpec(16, 16, channels), path)
    assert [file.name for file in path.parent.iterdir()] == ["model.onnx"]
    onnx.checker.check_model(onnx.load(path), full_check=True)
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


def run(session, images):
    names = ["probabilities", "embedding", "ood_score"]
    return Outputs(*session.run(names, {"image": images}))


@pytest.mark.parametrize("count", [1, 2, 7])
def test_the_batch_axis_is_dynamic(session, held_out, count):
    outputs = run(session, held_out.images[:count])
    assert outputs.probabilities.shape == (count, 3)
    assert outputs.ood_score.shape == (count,)
    assert {output.dtype for output in vars(outputs).values()} == {np.dtype(np.float32)}


def test_says_what_torch_says(graph, session, held_out):
    outputs = run(session, held_out.images)
    parity = check_parity(graph, held_out, outputs)
    assert (parity.reference, parity.images, parity.disagreements) == ("torch", len(held_out), 0)
    assert 0 <= parity.max_difference < 1e-4
    with torch.no_grad():
        _, embedding, ood_score = graph(torch.tensor(held_out.images))
    assert outputs.embedding == pytest.approx(embedding.numpy(), abs=1e-3)
    assert outputs.ood_score == pytest.approx(ood_score.numpy(), abs=1e-3)


def test_a_graph_that_says_something_else_is_refused(graph, session, held_out):
    outputs = run(session, held_out.images)
    wrong = outputs.probabilities.copy()
    wrong[5] = np.roll(wrong[5], 1)
    with pytest.raises(ParityError, match="1 of 90 classes differ"):
        check_parity(graph, held_out, Outputs(wrong, outputs.embedding, outputs.ood_score))


def test_a_probability_that_is_not_a_number_is_refused(graph, session, held_out):
    outputs = run(session, held_out.images)
    wrong = outputs.probabilities.copy()
    wrong[0] = np.nan
    with pytest.raises(ParityError):
        check_parity(graph, held_out, Outputs(wrong, outputs.embedding, outputs.ood_score))


def test_classes_that_tie_may_change_places():
    expected = np.array([[0.5, 0.49995, 0.00005], [0.6, 0.3, 0.1]], dtype=np.float32)
    found = expected.copy()
    found[0, :2] = found[0, 1::-1]
    assert compare_probabilities(expected, found).disagreements == 0
    found[1] = [0.3, 0.6, 0.1]
    assert compare_probabilities(expected, found).disagreements == 1


@pytest.mark.parametrize(
    "architecture",
    ["efficientnet_lite0", pytest.param("timm/test_resnet", marks=NEEDS_TIMM)],
)
def test_networks_for_photos_say_what_torch_says(architecture, tmp_path):
    torch.manual_seed(0)
    config = ModelConfig(architecture=architecture, pretrained=architecture[:4] != "timm")
    network = build_network(config, channels=1, classes=2)
    pixels = np.random.default_rng(0).integers(0, 256, (12, 34, 34, 1), dtype=np.uint8)
    labels = np.arange(12, dtype=np.int64) % 2
    images = LabelledImages(("",) * 12, pixels, labels, ("a", "b"))
    graph = calibrate(network, images, images)
    path = tmp_path / "model.onnx"
    export_onnx(graph, ImageSpec(34, 34, 1), path)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    outputs = run(session, pixels)
    assert check_parity(graph, images, outputs).disagreements == 0
    assert outputs.embedding.shape == (12, network.embedding_size)
