"""Whole channels taken out of a network: what is left is a smaller network of the same kind.

What is cut follows from the weights and the images alone: the same network is cut alike each time,
which is how its weights are read again. Knows nothing of training.
"""

import copy
import warnings
from collections.abc import Sequence
from typing import Final

import torch
import torch_pruning
from mlopsproj_core.errors import CompressionError
from torch import Tensor
from torch.nn import functional

from mlopsproj_models.networks import ImageNetwork

_MULTIPLE: Final = 8
"""Of channels: what vector instructions take at once."""

_MOST: Final = 0.9
"""Of a layer's channels: none is cut away whole."""


def prune(
    network: ImageNetwork, ratio: float, batches: Sequence[tuple[Tensor, Tensor]]
) -> ImageNetwork:
    """A copy of a network without the channels that matter least to its loss.

    Channels that depend on each other, such as those around an identity, are cut together (Fang et
    al. 2023, arXiv:2301.12900); which matter least is told by the change of the loss to first order
    (Molchanov et al. 2019, arXiv:1906.10771), over all layers. The head keeps its classes.

    Args:
        network: trained; not changed.
        ratio: share of the channels that is cut, above 0 and below 1.
        batches: training images `(N, H, W, C)` uint8 and their labels `(N,)`, at least one batch.

    Raises:
        CompressionError: if the ratio cannot be, the layers cannot be cut, or they are so narrow
            that nothing would go.
    """
    if not 0 < ratio < 1:
        raise CompressionError(
            f"A pruning ratio of {ratio} cannot be: give shares above 0 and below 1, such as 0.5."
        )
    pruned = copy.deepcopy(network).cpu().float().eval()
    example = pruned.normalise(batches[0][0][:1])
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of normalisations that it finds by itself
            pruner = torch_pruning.pruner.BasePruner(
                pruned,
                example,
                importance=torch_pruning.importance.GroupTaylorImportance(),
                global_pruning=True,
                pruning_ratio=ratio,
                max_pruning_ratio=_MOST,
                ignored_layers=[pruned.head],
                round_to=_MULTIPLE,
            )
            for images, labels in batches:
                loss = functional.cross_entropy(pruned(pruned.normalise(images)), labels)
                loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
            pruner.step()
    except Exception as error:  # torch_pruning raises whatever it met in layers it does not know
        raise CompressionError(
            f"The layers of {type(network).__name__} cannot be pruned"
            f" ({type(error).__name__}: {error})."
        ) from error
    if count_parameters(pruned) >= count_parameters(network):
        raise CompressionError(
            f"At a ratio of {ratio} no channel can go: the layers have too few, of which eight are"
            " cut at a time."
        )
    pruned.zero_grad(set_to_none=True)
    for parameter in pruned.parameters():
        parameter.requires_grad_(True)  # noqa: FBT003 (torch's own signature)
    return pruned.to(memory_format=torch.channels_last)


def count_parameters(network: ImageNetwork) -> int:
    """How many numbers a network learns."""
    return sum(parameter.numel() for parameter in network.parameters())
