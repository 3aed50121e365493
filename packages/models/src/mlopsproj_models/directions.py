"""The direction of an embedding: one operator to torch, and one node of an ONNX graph.

What follows a small network costs by the number of its nodes; torch alone would write three. Knows
nothing of what is done with a direction.
"""

from collections.abc import Callable
from typing import Any, Final

import torch
from torch import Tensor
from torch.nn import functional

_SHORTEST: Final = 1e-30
"""Below it float32 has no square: onnxruntime sees zeros, too."""


@torch.library.custom_op("mlopsproj::directions", mutates_args=())
def directions(embeddings: Tensor) -> Tensor:
    """`(N, D)` embeddings brought to length 1; one of nothing but zeros stays as it is."""
    return functional.normalize(embeddings, dim=1, eps=_SHORTEST)


@directions.register_fake
def _shape(embeddings: Tensor) -> Tensor:
    return torch.empty_like(embeddings)


def _node(embeddings: Any) -> Any:
    # Most of a second, which the exporter alone needs.
    from onnxscript import opset20  # noqa: PLC0415 (see above)

    return opset20.LpNormalization(embeddings, axis=1, p=2)


ONNX_TRANSLATIONS: Final[dict[Callable[..., Any], Callable[..., Any]]] = {
    torch.ops.mlopsproj.directions.default: _node
}
"""As `torch.onnx.export` takes them."""
