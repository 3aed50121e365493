import numpy as np
import onnx
import pytest
from mlopsproj_models.compression.pixels import feed_pixels, pixel_scale, shift_bias
from mlopsproj_models.compression.quantisation import quantise_static
from mlopsproj_models.config import Calibration
from onnx import TensorProto, helper, numpy_helper
from onnxruntime import InferenceSession


def with_statistics(source, target, mean, std):
    """The graph with another normalisation."""
    model = onnx.load(source)
    for value in model.graph.initializer:
        if value.name in ("network.mean", "network.std"):
            numbers = np.asarray(mean if value.name.endswith("mean") else std, np.float32)
            array = np.broadcast_to(numbers, (value.dims[0],)).reshape(-1, 1, 1)
            value.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(array), value.name))
    onnx.save(model, target)
    return target


def test_normalisation_that_is_the_same_for_all_channels_is_a_scale(folded, tmp_path):
    path = with_statistics(folded, tmp_path / "m.onnx", 100.4, 50.0)
    found = pixel_scale(path)
    assert (found.scale, found.zero_point) == (pytest.approx(0.02), 100)
    assert found.rest == pytest.approx(-0.4 / 50, rel=1e-3)


@pytest.mark.parametrize(
    ("mean", "std"), [([90, 100, 110], 50.0), (100.0, [40, 50, 60]), (300.0, 50.0)]
)
def test_another_normalisation_is_left_alone(folded, tmp_path, channels, mean, std):
    if channels == 1 and np.size(mean) + np.size(std) > 2:
        pytest.skip("one channel has one normalisation")
    assert pixel_scale(with_statistics(folded, tmp_path / "m.onnx", mean, std)) is None


def test_a_shift_makes_up_for_a_mean_that_is_no_integer(tmp_path):
    rng = np.random.default_rng(0)
    weights = rng.normal(size=(4, 1, 3, 3)).astype(np.float32)
    constants = {
        "mean": np.full((1, 1, 1), 100.4, np.float32),
        "std": np.full((1, 1, 1), 50, np.float32),
        "weights": weights,
    }
    nodes = [
        helper.make_node("Transpose", ["image"], ["t"], perm=[0, 3, 1, 2]),
        helper.make_node("Cast", ["t"], ["f"], to=TensorProto.FLOAT),
        helper.make_node("Sub", ["f", "mean"], ["s"]),
        helper.make_node("Div", ["s", "std"], ["x"]),
        helper.make_node("Conv", ["x", "weights"], ["y"], kernel_shape=[3, 3]),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, ["N", 8, 8, 1])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 4, 6, 6])],
        [numpy_helper.from_array(values, name) for name, values in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)])
    model.ir_version = 10
    path, shifted = tmp_path / "m.onnx", tmp_path / "shifted.onnx"
    onnx.save(model, path)
    pixels = pixel_scale(path)
    shift_bias(path, shifted, pixels)
    model = onnx.load(shifted)
    mean = next(node.input[1] for node in model.graph.node if node.op_type == "Sub")
    for value in model.graph.initializer:
        if value.name == mean:
            whole = np.full((1, 1, 1), pixels.zero_point, np.float32)
            value.CopyFrom(numpy_helper.from_array(whole, mean))
    onnx.save(model, shifted)
    image = rng.integers(0, 256, (2, 8, 8, 1), dtype=np.uint8)
    before, after = (
        InferenceSession(file, providers=["CPUExecutionProvider"]).run(None, {"image": image})[0]
        for file in (path, shifted)
    )
    assert after == pytest.approx(before, abs=1e-4)


def test_pixels_pass_by_float_and_nothing_changes(  # noqa: PLR0917 (fixtures)
    folded, ranges, tmp_path, held_out, run, operators
):
    path = with_statistics(folded, tmp_path / "m.onnx", 100.0, 50.0)
    long_way = tmp_path / "long.onnx"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "mlopsproj_models.compression.quantisation.feed_pixels", lambda path, pixels: None
        )
        quantise_static(path, long_way, ranges, method=Calibration.minmax)
    before = run(long_way, held_out.images)
    assert "Sub" in operators(long_way)[: operators(long_way).index("Conv")]
    feed_pixels(long_way, pixel_scale(path))
    before_the_first = operators(long_way)[: operators(long_way).index("Conv")]
    assert not {"Cast", "Sub", "Div", "QuantizeLinear"} & set(before_the_first)
    after = run(long_way, held_out.images)
    np.testing.assert_array_equal(after.probabilities, before.probabilities)
