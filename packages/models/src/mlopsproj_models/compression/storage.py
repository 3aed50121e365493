"""What stays in float of a small graph, kept in two bytes a number: it computes in four as before.

Knows nothing of quantisation.
"""

from pathlib import Path
from typing import Final

import numpy as np
import onnx_ir as ir

from mlopsproj_models.compression.folding import constant, drop_unused, new_constant

_WORTH_IT: Final = 4096
"""Numbers from which a matrix is worth a node that widens it."""

_LARGEST_ERROR: Final = 1e-3
_KINDS: Final = ("Gemm", "MatMul")


def halve_stored_floats(path: Path) -> None:
    """Keep the large float matrices of a graph as float16, widened when it is loaded.

    A matrix that float16 cannot hold to a thousandth of its size stays as it is: of most, the error
    is a quarter of that, which is less than that of an int8 layer before them by far.

    Args:
        path: ONNX file, written anew.
    """
    model = ir.load(path)
    graph = model.graph
    for node in list(graph):
        if node.op_type in _KINDS:
            for index in range(2):
                _halve(graph, node, index)
    drop_unused(graph)
    ir.save(model, path)


def _halve(graph: ir.Graph, node: ir.Node, index: int) -> None:
    value = node.inputs[index]
    values = constant(value)
    if value is None or values is None or values.dtype != np.float32 or values.size < _WORTH_IT:
        return
    with np.errstate(over="ignore"):
        halved = values.astype(np.float16)
    if not np.linalg.norm(halved - values) <= _LARGEST_ERROR * np.linalg.norm(values):
        return
    half = new_constant(graph, f"{value.name}_half", halved)
    widen = ir.node("Cast", [half], attributes={"to": int(ir.DataType.FLOAT)})
    widen.name = f"{value.name}_widen"
    widen.outputs[0].name = f"{value.name}_wide"
    widen.outputs[0].type = ir.TensorType(ir.DataType.FLOAT)
    widen.outputs[0].shape = ir.Shape(values.shape)
    graph.insert_before(node, widen)
    node.replace_input_with(index, widen.outputs[0])
