"""The network as it is served: `image` in, `probabilities`, `embedding` and `ood_score` out.

Everything that a request needs is inside. Knows nothing of ONNX, training or files.
"""

from collections.abc import Callable

import torch
from mlopsproj_core.labelled import LabelledImages
from torch import Tensor, nn
from torch.nn import functional

from mlopsproj_models.calibration import OodScore, fit_ood_score, fit_temperature
from mlopsproj_models.directions import directions
from mlopsproj_models.networks import ImageNetwork

_MOST_IMAGES, _MOST_PIXELS = 512, 2**20


class ServingGraph(nn.Module):
    """A calibrated network."""

    temperature: Tensor
    whitening: Tensor
    offset: Tensor
    means: Tensor

    def __init__(self, network: ImageNetwork, temperature: float, ood: OodScore) -> None:
        """Join a trained network with what was fitted on its outputs."""
        super().__init__()
        self.network = network
        self.register_buffer("temperature", torch.tensor(temperature))
        self.register_buffer("whitening", ood.whitening.T.contiguous())
        self.register_buffer("offset", -ood.centre @ ood.whitening)
        self.register_buffer("means", ood.means.unsqueeze(1).contiguous())
        self.eval()

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """`(N, H, W, C)` uint8 to probabilities `(N, K)`, embedding `(N, D)`, score `(N,)`."""
        embedding = self.network.embed(self.network.normalise(image))
        probabilities = (self.network.head(embedding) / self.temperature).softmax(dim=1)
        # Few nodes: what follows a small network costs by their number, not by their size.
        white = functional.linear(directions(embedding), self.whitening, self.offset)
        distances = torch.linalg.vector_norm(white - self.means, dim=2)  # (K, N)
        return probabilities, embedding, distances.amin(dim=0)


def calibrate(
    network: ImageNetwork, train: LabelledImages, validation: LabelledImages
) -> ServingGraph:
    """Fit temperature on validation and the distance on training images.

    Args:
        network: trained, on the CPU.
        train: what it was trained on.
        validation: what it was not.
    """
    embeddings = run_batches(network.embed_images, train)
    with torch.no_grad():
        logits = network.head(run_batches(network.embed_images, validation))
    return ServingGraph(
        network,
        fit_temperature(logits, torch.tensor(validation.labels)),
        fit_ood_score(embeddings, torch.tensor(train.labels), len(train.classes)),
    )


def run_batches(function: Callable[[Tensor], Tensor], images: LabelledImages) -> Tensor:
    """Apply `function` to `images` as `(n, H, W, C)` uint8 pieces, and join what it gives."""
    height, width = images.images.shape[1:3]
    size = max(1, min(_MOST_IMAGES, _MOST_PIXELS // (height * width)))
    starts = range(0, len(images), size)
    # Copied, as labels are: torch takes no read-only memory.
    return torch.cat([function(torch.tensor(images.images[i : i + size])) for i in starts])
