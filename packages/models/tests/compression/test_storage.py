import numpy as np
import onnx
from mlopsproj_models.compression.storage import halve_stored_floats
from onnx import TensorProto, helper, numpy_helper
from onnxruntime import InferenceSession


def graph_of(weights):
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"], name="multiply")],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", weights.shape[0]])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", weights.shape[1]])],
        [numpy_helper.from_array(weights, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)])
    model.ir_version = 10
    return model


def types(path):
    return [value.data_type for value in onnx.load(path).graph.initializer]


def test_a_large_matrix_takes_half_the_space_and_says_nearly_the_same(tmp_path):
    rng = np.random.default_rng(0)
    weights = rng.normal(size=(128, 64)).astype(np.float32)
    path = tmp_path / "m.onnx"
    onnx.save(graph_of(weights), path)
    size = path.stat().st_size
    x = rng.normal(size=(5, 128)).astype(np.float32)
    halve_stored_floats(path)
    assert path.stat().st_size < 0.6 * size
    assert types(path) == [TensorProto.FLOAT16]
    found = InferenceSession(path, providers=["CPUExecutionProvider"]).run(None, {"x": x})[0]
    assert np.abs(found - x @ weights).max() < 0.02


def test_small_ones_and_those_that_it_cannot_hold_stay(tmp_path):
    tiny = np.random.default_rng(0).normal(size=(128, 64)).astype(np.float32) * 1e-7
    for weights in (np.ones((8, 8), np.float32), np.full((128, 64), 1e6, np.float32), tiny):
        path = tmp_path / "m.onnx"
        onnx.save(graph_of(weights), path)
        halve_stored_floats(path)
        assert types(path) == [TensorProto.FLOAT]
