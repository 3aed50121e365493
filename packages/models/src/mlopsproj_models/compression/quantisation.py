"""A float graph to one that computes in eight-bit integers, by onnxruntime's own quantiser.

What follows the embedding stays in float: it is small, and the distance from the training data
suffers from rounding. Knows nothing of bundles, and not whether int8 is faster here.
"""

import shutil
import tempfile
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Final

import onnx
import onnx_ir as ir
from mlopsproj_core.errors import CompressionError
from onnxruntime.quantization import (
    QuantFormat,
    QuantType,
    quantize_dynamic,
    quantize_static,
)
from onnxruntime.quantization.quant_utils import add_pre_process_metadata

from mlopsproj_models.compression.pixels import feed_pixels, pixel_scale, shift_bias
from mlopsproj_models.compression.ranges import METHODS, quietly
from mlopsproj_models.compression.storage import halve_stored_floats
from mlopsproj_models.config import Calibration

_EMBEDDING: Final = "embedding"
_INTEGER_INPUT: Final = ("Conv", "Gemm", "MatMul")
_QUANTISED_DYNAMICALLY: Final = ("Conv", "MatMul")


def quantise_static(
    source: Path,
    target: Path,
    ranges: Path,
    *,
    method: Calibration,
    float_layers: Collection[str] = (),
    only_layers: Collection[str] = (),
    reduced_range: bool = False,
) -> None:
    """Write a graph whose convolutions compute in int8, by ranges that were seen on images.

    Weights are int8 with a scale for each output channel, activations uint8 with one scale and
    zero point each (QDQ form). The pixels, which are integers already, enter the first layers as
    they are, if these are quantised and the normalisation is the same for all channels.

    Args:
        source: float ONNX file.
        target: ONNX file that is written.
        ranges: that `find_ranges` wrote for `source`.
        method: by which they were chosen.
        float_layers: names of nodes that stay in float.
        only_layers: names of the nodes that are quantised; all that can be, unless given.
        reduced_range: weights of seven bits, for CPUs that are slower to multiply those of eight
            without overflow.

    Raises:
        CompressionError: if nothing in the graph can be quantised.
    """
    layers = quantisable_layers(source)
    if not layers:
        raise CompressionError(_nothing_to_quantise(source, _INTEGER_INPUT))
    with tempfile.TemporaryDirectory() as scratch:
        prepared = Path(scratch) / "prepared.onnx"
        pixels = pixel_scale(source)
        if pixels is not None and not _all_quantised(pixels.layers, float_layers, only_layers):
            pixels = None  # a layer in float takes them as they were
        shift_bias(source, prepared, pixels)
        _mark_as_prepared(prepared)
        draft = Path(scratch) / "quantised.onnx"
        overrides = {} if pixels is None else {"TensorQuantOverrides": pixels.override()}
        with quietly():
            quantize_static(
                prepared,
                draft,
                quant_format=QuantFormat.QDQ,
                op_types_to_quantize=None,
                per_channel=True,
                reduce_range=reduced_range,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                nodes_to_quantize=list(only_layers) or None,
                nodes_to_exclude=[*float_layers, *_behind_embedding(source)],
                calibrate_method=METHODS[method],
                extra_options=overrides,
                calibration_cache_path=ranges,
            )
        if pixels is not None:
            feed_pixels(draft, pixels)
        halve_stored_floats(draft)
        shutil.copyfile(draft, target)


def quantise_dynamic(source: Path, target: Path) -> None:
    """Write a graph with int8 weights, whose activations are measured and rounded at each request.

    Args:
        source: float ONNX file.
        target: ONNX file that is written.

    Raises:
        CompressionError: if nothing in the graph can be quantised so.
    """
    layers = [name for name, kind in _layers(source) if kind in _QUANTISED_DYNAMICALLY]
    if not layers:
        raise CompressionError(_nothing_to_quantise(source, _QUANTISED_DYNAMICALLY))
    with tempfile.TemporaryDirectory() as scratch:
        prepared, draft = Path(scratch) / "prepared.onnx", Path(scratch) / "quantised.onnx"
        shutil.copyfile(source, prepared)
        _mark_as_prepared(prepared)
        with quietly():
            quantize_dynamic(
                prepared,
                draft,
                op_types_to_quantize=list(_QUANTISED_DYNAMICALLY),
                weight_type=QuantType.QUInt8,  # what onnxruntime multiplies on every CPU
                nodes_to_exclude=_behind_embedding(source),
            )
        halve_stored_floats(draft)
        shutil.copyfile(draft, target)


def quantisable_layers(source: Path) -> list[str]:
    """Names of the nodes before the embedding that multiply by weights and can do it in int8."""
    return [name for name, kind in _layers(source) if kind in _INTEGER_INPUT]


def _all_quantised(
    layers: Collection[str], float_layers: Collection[str], only_layers: Collection[str]
) -> bool:
    return set(layers).isdisjoint(float_layers) and (
        not only_layers or set(layers) <= set(only_layers)
    )


def _layers(source: Path) -> list[tuple[str, str]]:
    """Name and operator of every node before the embedding."""
    behind = set(_behind_embedding(source))
    return [
        (node.name, node.op_type)
        for node in onnx.load(source, load_external_data=False).graph.node
        if node.name not in behind
    ]


def _behind_embedding(source: Path) -> list[str]:
    """Names of the nodes that follow from the embedding alone, the one that gives it included."""
    graph = ir.load(source).graph
    found: list[ir.Node] = []
    embedding = next(value for value in graph.outputs if value.name == _EMBEDDING)
    producer = embedding.producer()
    waiting = [usage.node for usage in embedding.uses()]
    while waiting:
        node = waiting.pop()
        if node not in found:
            found.append(node)
            waiting += [usage.node for value in node.outputs for usage in value.uses()]
    return [node.name or "" for node in ([producer] if producer else []) + found]


def _mark_as_prepared(path: Path) -> None:
    """Else the quantiser advises steps that `fold_graph` has done.

    Shapes between the nodes are inferred anew: with torch 2.10, those that are told contradict it.
    """
    model = onnx.load(path)
    add_pre_process_metadata(model)
    del model.graph.value_info[:]
    onnx.save(model, path)


def _nothing_to_quantise(source: Path, kinds: Sequence[str]) -> str:
    found = ", ".join(sorted({kind for _, kind in _layers(source)})) or "none"
    return (
        f"No operator of the graph can be quantised: it needs {' or '.join(kinds)} before the"
        f" embedding, and has {found}."
    )
