"""Pixels into an int8 graph as they are: uint8, without a way through float.

The normalisation `(pixel - mean) / std` is a dequantisation with the scale 1 / std and the zero
point mean, where it is the same for all channels. Knows nothing of how the rest is quantised.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx_ir as ir
from onnxruntime.quantization import QuantType

from mlopsproj_models.compression.folding import (
    add_to_bias,
    constant,
    drop_unused,
    new_constant,
    only_user,
)

_STEPS: Final = ("Transpose", "Cast", "Sub", "Div")
_ALIKE = 1e-6
_LARGEST = 255
_KERNEL_AXES = 4
_WITHOUT_BIAS = 2


@dataclass(frozen=True)
class PixelScale:
    """How the first convolution of a graph sees pixels.

    Attributes:
        name: of the normalised image.
        scale: of one step of a pixel, 1 / std.
        zero_point: the pixel that is 0, a whole number.
        rest: what the normalised image is larger by than by the zero point, since the mean is no
            whole number.
        layers: names of the first layers, which take it.
    """

    name: str
    scale: float
    zero_point: int
    rest: float
    layers: tuple[str, ...]

    def override(self) -> dict[str, list[dict[str, Any]]]:
        """What onnxruntime's quantiser is told, so that each pixel becomes itself."""
        return {
            self.name: [
                {
                    "quant_type": QuantType.QUInt8,
                    "scale": np.array(self.scale, np.float32),
                    "zero_point": np.array(self.zero_point, np.uint8),
                }
            ]
        }


def pixel_scale(source: Path) -> PixelScale | None:
    """How a float graph normalises its pixels; None unless it does so alike for every channel.

    Args:
        source: ONNX file.
    """
    found = _normalisation(ir.load(source).graph)
    if found is None:
        return None
    division, mean, std = found
    point = round(mean)
    name = division.outputs[0].name
    assert name is not None  # noqa: S101 (every value of a file has one)
    layers = tuple(usage.node.name or "" for usage in division.outputs[0].uses())
    return PixelScale(name, 1 / std, point, (point - mean) / std, layers)


def shift_bias(source: Path, target: Path, pixels: PixelScale | None) -> None:
    """Write the graph as it is quantised: the first layers make up for a mean that is no integer.

    Where a grey image is repeated for a network that takes three channels, the first layers take
    the one channel instead, with the sum of the weights of all three.

    Args:
        source: float ONNX file.
        target: ONNX file that is written.
        pixels: of the graph; without it the graph is written as it is.
    """
    model = ir.load(source)
    found = _normalisation(model.graph)
    if pixels is not None and found is not None:
        division, mean, std = found
        layers = [usage.node for usage in division.outputs[0].uses()]
        if _image_channels(model.graph) == 1:
            for layer in layers:
                _sum_over_channels(model.graph, layer)
            _normalise_one_channel(model.graph, division, mean, std)
        for layer in layers:
            weights = constant(layer.inputs[1])
            assert weights is not None  # noqa: S101 (`_normalisation` saw it)
            add_to_bias(model.graph, layer, pixels.rest * weights.sum(axis=(1, 2, 3)))
    drop_unused(model.graph)
    ir.save(model, target)


def feed_pixels(path: Path, pixels: PixelScale) -> None:
    """Let the integer pixels of a quantised graph pass by their way through float.

    `Transpose → Cast → Sub → Div → QuantizeLinear` gives each pixel back as it was: only the first
    of these stays.

    Args:
        path: ONNX file of a graph that was quantised with `pixels.override()`; written anew.
        pixels: of the graph.
    """
    model = ir.load(path)
    graph = model.graph
    steps = _steps(graph)
    if steps is None or steps[-1].outputs[0].name != pixels.name:
        return
    integers = steps[0].outputs[0]
    integers.dtype = ir.DataType.UINT8
    users = [usage.node for usage in steps[-1].outputs[0].uses()]
    if any(user.op_type != "QuantizeLinear" for user in users):
        return  # a layer that stays in float takes them as they were
    for user in users:
        user.outputs[0].replace_all_uses_with(integers)
        graph.remove(user, safe=True)
    for step in reversed(steps[1:]):
        graph.remove(step, safe=True)
    drop_unused(graph)
    ir.save(model, path)


def _steps(graph: ir.Graph) -> list[ir.Node] | None:
    """The nodes from the image to the normalised one."""
    value: ir.Value = graph.inputs[0]
    steps = []
    for kind in _STEPS:
        step = only_user(value)
        if step is None or step.op_type != kind or step.inputs[0] is not value:
            return None
        steps.append(step)
        value = step.outputs[0]
    return steps


def _normalisation(graph: ir.Graph) -> tuple[ir.Node, float, float] | None:
    """The division that ends it, mean and deviation, if they are the same for all channels."""
    steps = _steps(graph)
    if steps is None:
        return None
    mean, std = constant(steps[2].inputs[1]), constant(steps[3].inputs[1])
    if mean is None or std is None or np.ptp(mean) > _ALIKE or np.ptp(std) > _ALIKE:
        return None
    if round(float(mean.mean())) not in range(_LARGEST + 1):
        return None
    for usage in steps[3].outputs[0].uses():
        layer = usage.node
        weights = constant(layer.inputs[1]) if layer.op_type == "Conv" else None
        if weights is None or weights.ndim != _KERNEL_AXES:
            return None
        if len(layer.inputs) > _WITHOUT_BIAS and constant(layer.inputs[2]) is None:
            return None
    return steps[3], float(mean.mean()), float(std.mean())


def _image_channels(graph: ir.Graph) -> int:
    shape = graph.inputs[0].shape
    channels = None if shape is None else shape[3]
    assert isinstance(channels, int)  # noqa: S101 (the contract of graphs)
    return channels


def _sum_over_channels(graph: ir.Graph, layer: ir.Node) -> None:
    weights = constant(layer.inputs[1])
    assert weights is not None  # noqa: S101 (`_normalisation` saw it)
    total = weights.sum(axis=1, keepdims=True)
    layer.replace_input_with(1, new_constant(graph, "first_weights", total))


def _normalise_one_channel(graph: ir.Graph, division: ir.Node, mean: float, std: float) -> None:
    subtracted = division.inputs[0]
    subtraction = subtracted.producer() if subtracted is not None else None
    assert subtraction is not None  # noqa: S101 (`_normalisation` saw it)
    for node, number in ((subtraction, mean), (division, std)):
        scalar = np.full((1, 1, 1), number, np.float32)
        node.replace_input_with(1, new_constant(graph, "one_channel", scalar))
        node.outputs[0].shape = None
