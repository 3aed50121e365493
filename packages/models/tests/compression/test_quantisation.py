import numpy as np
import onnx
import pytest
from mlopsproj_core.errors import CompressionError
from mlopsproj_models.compression.quantisation import (
    quantisable_layers,
    quantise_dynamic,
    quantise_static,
)
from mlopsproj_models.compression.ranges import find_ranges
from mlopsproj_models.config import Calibration
from onnx import TensorProto, helper
from onnxruntime import GraphOptimizationLevel, InferenceSession, SessionOptions


@pytest.fixture(scope="module")
def quantised(folded, ranges):
    path = folded.with_name("int8.onnx")
    quantise_static(folded, path, ranges, method=Calibration.minmax)
    return path


def test_says_nearly_the_same_in_less_space(folded, quantised, held_out, run):
    before, after = run(folded, held_out.images), run(quantised, held_out.images)
    assert (before.probabilities.argmax(1) == after.probabilities.argmax(1)).mean() > 0.95
    assert np.abs(before.probabilities - after.probabilities).mean() < 0.05
    moved = np.linalg.norm(after.embedding - before.embedding)
    assert moved < 0.01 * np.linalg.norm(before.embedding)
    # In deviations of what this network, which makes no mistake, holds very close together.
    assert np.median(np.abs(after.ood_score - before.ood_score)) < 0.25


@pytest.mark.parametrize("reduced_range", [False, True], ids=["eight bits", "seven bits"])
def test_no_product_of_integers_overflows(folded, ranges, held_out, run, reduced_range):
    """Whatever the CPU: the same graph computes the same rounded numbers in float."""
    path = folded.with_name("integers.onnx")
    quantise_static(folded, path, ranges, method=Calibration.minmax, reduced_range=reduced_range)
    options = SessionOptions()
    options.graph_optimization_level = GraphOptimizationLevel.ORT_DISABLE_ALL
    in_float = InferenceSession(path, options, providers=["CPUExecutionProvider"])
    (expected,) = in_float.run(["embedding"], {"image": held_out.images})
    found = run(path, held_out.images).embedding
    # A sum that lies between two integers may be rounded to either.
    assert np.linalg.norm(found - expected) < 1e-3 * np.linalg.norm(expected)


def weights_by_type(path):
    found = {}
    for value in onnx.load(path).graph.initializer:
        if len(value.dims) == 4:
            found.setdefault(value.data_type, []).append(list(value.dims))
    return found


def test_every_convolution_has_int8_weights_and_what_follows_the_embedding_has_not(
    folded, quantised, operators
):
    assert set(weights_by_type(folded)) == {TensorProto.FLOAT}
    assert set(weights_by_type(quantised)) == {TensorProto.INT8}
    behind = operators(quantised)[operators(quantised).index("ReduceMean") :]
    assert "QuantizeLinear" not in behind
    assert "DequantizeLinear" not in behind


def test_layers_can_stay_in_float(folded, ranges, tmp_path):
    kept = quantisable_layers(folded)[1]
    quantise_static(
        folded, tmp_path / "m.onnx", ranges, method=Calibration.minmax, float_layers=[kept]
    )
    types = weights_by_type(tmp_path / "m.onnx")
    assert len(types[TensorProto.FLOAT]) == 1
    assert len(types[TensorProto.INT8]) == len(quantisable_layers(folded)) - 1


@pytest.fixture(scope="module")
def off_centre(folded):
    """The graph with a mean that lies as far from a whole number as can be."""
    path = folded.with_name("off.onnx")
    model = onnx.load(folded)
    for value in model.graph.initializer:
        if value.name in ("network.mean", "network.std"):
            number = 100.5 if value.name.endswith("mean") else 50
            array = np.full(tuple(value.dims), number, np.float32)
            value.CopyFrom(onnx.numpy_helper.from_array(array, value.name))
    onnx.save(model, path)
    return path


def first_bias(path):
    model = onnx.load(path)
    constants = {v.name: onnx.numpy_helper.to_array(v) for v in model.graph.initializer}
    return next(constants[n.input[2]] for n in model.graph.node if n.op_type == "Conv")


def test_a_first_layer_in_float_sees_the_pixels_as_it_did(off_centre, train, tmp_path):
    """It makes up for no rounding of the mean, which there is none of for it."""
    first, *_, last = quantisable_layers(off_centre)
    ranges = tmp_path / "ranges.json"
    find_ranges(off_centre, train.images, Calibration.minmax, ranges)
    for options in ({"float_layers": [first]}, {"only_layers": [last]}):
        path = tmp_path / "m.onnx"
        quantise_static(off_centre, path, ranges, method=Calibration.minmax, **options)
        np.testing.assert_array_equal(first_bias(path), first_bias(off_centre))


def test_one_layer_can_be_quantised_alone(folded, ranges, tmp_path, held_out, run):
    only = quantisable_layers(folded)[0]
    quantise_static(
        folded, tmp_path / "m.onnx", ranges, method=Calibration.minmax, only_layers=[only]
    )
    assert len(weights_by_type(tmp_path / "m.onnx")[TensorProto.INT8]) == 1
    assert len(run(tmp_path / "m.onnx", held_out.images)) == len(held_out)


def test_weights_have_seven_bits_where_products_would_overflow(folded, ranges, tmp_path):
    path = tmp_path / "m.onnx"
    quantise_static(folded, path, ranges, method=Calibration.minmax, reduced_range=True)
    weights = [
        onnx.numpy_helper.to_array(value)
        for value in onnx.load(path).graph.initializer
        if value.data_type == TensorProto.INT8 and len(value.dims) == 4
    ]
    assert weights
    assert max(np.abs(values.astype(int)).max() for values in weights) <= 64


def test_dynamic_int8_says_nearly_the_same(folded, tmp_path, held_out, run):
    quantise_dynamic(folded, tmp_path / "d.onnx")
    before, after = run(folded, held_out.images), run(tmp_path / "d.onnx", held_out.images)
    assert (before.probabilities.argmax(1) == after.probabilities.argmax(1)).mean() > 0.95
    assert set(weights_by_type(tmp_path / "d.onnx")) == {TensorProto.UINT8}


@pytest.fixture
def nothing_to_quantise(tmp_path):
    """A graph whose embedding is the mean of the pixels."""
    nodes = [
        helper.make_node("Cast", ["image"], ["x"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["x", "axes"], ["embedding"], keepdims=0),
        helper.make_node("Softmax", ["embedding"], ["probabilities"]),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, ["N", 16, 16, 3])],
        [
            helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["N", 3]),
            helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["N", 3]),
        ],
        [onnx.numpy_helper.from_array(np.array([1, 2]), "axes")],
    )
    for number, node in enumerate(graph.node):
        node.name = f"n{number}"
    onnx.save(helper.make_model(graph), tmp_path / "nothing.onnx")
    return tmp_path / "nothing.onnx"


def test_a_graph_without_anything_to_quantise_is_told(nothing_to_quantise, ranges, tmp_path):
    with pytest.raises(CompressionError, match=r"needs Conv or Gemm or MatMul .* has Cast"):
        quantise_static(nothing_to_quantise, tmp_path / "m.onnx", ranges, method=Calibration.minmax)
    with pytest.raises(CompressionError, match="needs Conv or MatMul"):
        quantise_dynamic(nothing_to_quantise, tmp_path / "m.onnx")
    assert not (tmp_path / "m.onnx").exists()


def test_prints_nothing(folded, ranges, tmp_path, capfd):
    quantise_static(folded, tmp_path / "m.onnx", ranges, method=Calibration.minmax)
    quantise_dynamic(folded, tmp_path / "d.onnx")
    assert capfd.readouterr() == ("", "")
