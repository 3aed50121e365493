import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlopsproj_models.compression.folding import fold_graph
from onnx import TensorProto, helper, numpy_helper
from onnxruntime import InferenceSession


def test_says_the_same_with_less(exported, folded, held_out, run, operators):
    before, after = run(exported, held_out.images), run(folded, held_out.images)
    for name in ("probabilities", "embedding", "ood_score"):
        np.testing.assert_allclose(
            getattr(after, name), getattr(before, name), rtol=1e-4, atol=1e-5
        )
    assert "BatchNormalization" in operators(exported)
    assert "BatchNormalization" not in operators(folded)
    assert folded.stat().st_size < exported.stat().st_size
    onnx.checker.check_model(onnx.load(folded), full_check=True)


def test_cuts_off_before_it_takes_the_largest(exported, folded, operators):
    pairs = list(zip(operators(folded), operators(folded)[1:], strict=False))
    assert ("Relu", "MaxPool") in pairs
    assert ("MaxPool", "Relu") not in pairs


def small_graph(scale, *, pooled, bias, used_twice):
    """Conv, perhaps MaxPool, BatchNormalization, Relu, of two channels."""
    rng = np.random.default_rng(0)
    constants = {
        "weights": rng.normal(size=(2, 1, 3, 3)),
        "bias": rng.normal(size=2),
        "scale": np.array(scale),
        "shift": rng.normal(size=2),
        "mean": rng.normal(size=2),
        "variance": rng.uniform(0.1, 2, size=2),
    }
    nodes = [
        helper.make_node(
            "Conv", ["x", "weights", *(["bias"] if bias else [])], ["c"], kernel_shape=[3, 3]
        )
    ]
    last = "c"
    if pooled:
        nodes.append(helper.make_node("MaxPool", ["c"], ["p"], kernel_shape=[2, 2], strides=[2, 2]))
        last = "p"
    parameters = ["scale", "shift", "mean", "variance"]
    nodes.append(helper.make_node("BatchNormalization", [last, *parameters], ["n"], epsilon=1e-3))
    nodes.append(helper.make_node("Relu", ["n"], ["r"]))
    nodes.append(helper.make_node("Neg", ["r"], ["y"]))
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)]
    if used_twice:
        nodes.append(helper.make_node("Neg", ["c"], ["z"]))
        outputs.append(helper.make_tensor_value_info("z", TensorProto.FLOAT, None))
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 1, 8, 8])],
        outputs,
        [numpy_helper.from_array(v.astype(np.float32), k) for k, v in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)])
    model.ir_version = 10
    return model


scales = st.tuples(*[st.floats(-2, 2, width=32)] * 2)


@given(scales, st.booleans(), st.booleans(), st.booleans())
def test_never_changes_what_a_graph_says(tmp_path_factory, scale, pooled, bias, used_twice):
    folder = tmp_path_factory.mktemp("graph")
    model = small_graph(scale, pooled=pooled, bias=bias, used_twice=used_twice)
    onnx.save(model, folder / "a.onnx")
    folded = fold_graph(folder / "a.onnx", folder / "b.onnx")
    turned_round = pooled and min(scale) < 0
    assert folded == (not used_twice and not turned_round)
    images = np.random.default_rng(1).normal(size=(3, 1, 8, 8)).astype(np.float32)
    before, after = (
        InferenceSession(folder / name, providers=["CPUExecutionProvider"]).run(None, {"x": images})
        for name in ("a.onnx", "b.onnx")
    )
    for ours, theirs in zip(after, before, strict=True):
        assert ours == pytest.approx(theirs, rel=1e-4, abs=1e-4)
