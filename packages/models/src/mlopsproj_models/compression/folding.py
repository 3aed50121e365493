"""A graph rewritten so that it says the same with less to compute: fp32 stays fp32.

What onnxruntime folds by itself when it loads a graph is left to it. Knows nothing of bundles.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx_ir as ir
from mlopsproj_core.outputs import Floats

_POOLING = "MaxPool"


def fold_graph(source: Path, target: Path) -> int:
    """Write a graph with its normalisation of batches inside the convolutions.

    A scale that is not negative goes through the largest of a window unchanged, and so does what
    cuts off below 0: `Conv → MaxPool → BatchNormalization → Relu` becomes `Conv → Relu → MaxPool`,
    of which onnxruntime computes the first two in one. Notes of the exporter are left out.

    Args:
        source: ONNX file.
        target: ONNX file that is written.

    Returns:
        How many normalisations were folded.
    """
    model = ir.load(source)
    graph = model.graph
    folded = sum(
        _fold_normalisation(graph, node) for node in list(graph) if _is(node, "BatchNormalization")
    )
    for node in list(graph):
        if _is(node, "Relu"):
            _move_before_pooling(node)
    drop_unused(graph)
    _drop_notes(model)
    ir.save(model, target)
    return folded


def constant(value: ir.Value | None) -> Floats | None:
    """What a value of a graph holds, if it is known before the graph runs.

    Args:
        value: an input of a node, or none.
    """
    if value is None or not value.is_initializer() or value.const_value is None:
        return None
    return np.asarray(value.const_value.numpy())


def new_constant(graph: ir.Graph, name: str, values: npt.NDArray[np.floating]) -> ir.Value:
    """An initializer of a graph under a name that nothing there has.

    Args:
        graph: that gets it.
        name: wished for.
        values: of any shape and dtype.
    """
    while name in graph.initializers:
        name += "_"
    value = ir.Value(
        name=name,
        shape=ir.Shape(values.shape),
        type=ir.TensorType(ir.DataType.from_numpy(values.dtype)),
        const_value=ir.tensor(values, name=name),
    )
    graph.register_initializer(value)
    return value


def only_user(value: ir.Value) -> ir.Node | None:
    """The node that alone takes a value, unless others do or it is given out."""
    users = [usage.node for usage in value.uses()]
    if value.is_graph_output() or len(users) != 1:
        return None
    return users[0]


def add_to_bias(graph: ir.Graph, convolution: ir.Node, shift: Floats) -> None:
    """Add `(channels,)` to what a convolution gives."""
    bias = convolution.inputs[2] if len(convolution.inputs) > 2 else None  # noqa: PLR2004 (data, weights, bias)
    known = constant(bias)
    values = shift if known is None else known + shift
    name = f"{_name(convolution.inputs[1])}_bias"
    if bias is None and len(convolution.inputs) <= 2:  # noqa: PLR2004 (as above)
        convolution.resize_inputs(3)
    convolution.replace_input_with(2, new_constant(graph, name, values.astype(np.float32)))


def drop_unused(graph: ir.Graph) -> None:
    """Drop the initializers that no node takes any more."""
    for name, value in list(graph.initializers.items()):
        if not value.uses() and not value.is_graph_output():
            del graph.initializers[name]


def _fold_normalisation(graph: ir.Graph, node: ir.Node) -> bool:
    """Put one normalisation into the convolution before it, if that gives the same."""
    source = node.inputs[0]
    before = source.producer() if source is not None else None
    pooling = None
    if before is not None and _is(before, _POOLING) and only_user(before.outputs[0]) is node:
        pooling = before
        source = pooling.inputs[0]
        before = source.producer() if source is not None else None
    parameters = [constant(value) for value in node.inputs[1:]]
    if before is None or source is None or not _is(before, "Conv"):
        return False
    if node.outputs[0].is_graph_output():
        return False  # what a graph gives keeps its name
    if only_user(source) is not (pooling or node) or any(values is None for values in parameters):
        return False
    weights = constant(before.inputs[1])
    if weights is None or (len(before.inputs) > 2 and constant(before.inputs[2]) is None):  # noqa: PLR2004 (data, weights, bias)
        return False
    gamma, beta, mean, variance = (np.asarray(values, np.float64) for values in parameters)
    scale = gamma / np.sqrt(variance + node.attributes.get_float("epsilon", 1e-5))
    if pooling is not None and (scale < 0).any():
        return False  # the largest of what is turned round is the smallest
    bias = constant(before.inputs[2]) if len(before.inputs) > 2 else None  # noqa: PLR2004 (as above)
    shift = beta + ((0.0 if bias is None else bias.astype(np.float64)) - mean) * scale
    scaled = weights.astype(np.float64) * scale.reshape(-1, *[1] * (weights.ndim - 1))
    name = _name(before.inputs[1])
    before.replace_input_with(1, new_constant(graph, name, scaled.astype(np.float32)))
    if len(before.inputs) <= 2:  # noqa: PLR2004 (as above)
        before.resize_inputs(3)
    before.replace_input_with(2, new_constant(graph, f"{name}_bias", shift.astype(np.float32)))
    node.outputs[0].replace_all_uses_with((pooling or before).outputs[0])
    graph.remove(node, safe=True)
    return True


def _move_before_pooling(node: ir.Node) -> None:
    """`MaxPool → Relu` to `Relu → MaxPool`: the same, and a convolution before it takes it in."""
    pooled = node.inputs[0]
    pooling = pooled.producer() if pooled is not None else None
    if pooled is None or pooling is None or not _is(pooling, _POOLING):
        return
    source = pooling.inputs[0]
    convolution = source.producer() if source is not None else None
    if source is None or convolution is None or not _is(convolution, "Conv"):
        return
    if only_user(pooled) is not node or only_user(source) is not pooling:
        return
    result = node.outputs[0]
    if result.is_graph_output():
        return
    result.replace_all_uses_with(pooled)
    node.replace_input_with(0, source)
    result.shape = source.shape
    pooling.replace_input_with(0, result)
    graph = pooling.graph
    assert isinstance(graph, ir.Graph)  # noqa: S101 (both were found in one)
    graph.remove(node)
    graph.insert_before(pooling, node)


def _drop_notes(model: ir.Model) -> None:
    """What the exporter tells of where each node came from: a tenth of a small graph."""
    model.metadata_props.clear()
    model.graph.metadata_props.clear()
    for node in model.graph:
        node.metadata_props.clear()
        node.doc_string = None
        for value in node.outputs:
            value.metadata_props.clear()
    for value in [*model.graph.inputs, *model.graph.outputs, *model.graph.initializers.values()]:
        value.metadata_props.clear()


def _is(node: ir.Node, op_type: str) -> bool:
    return node.op_type == op_type and node.domain in {"", "ai.onnx"}


def _name(value: ir.Value | None) -> str:
    return (value.name if value is not None else None) or "constant"
