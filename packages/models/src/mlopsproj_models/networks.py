"""What every network is to the rest: prepared pixels in, logits and embedding out.

Normalisation is inside, so that nothing has to be known about the data outside. Knows nothing of
losses, training or files.
"""

import hashlib
from abc import ABC, abstractmethod
from typing import cast

import torch
from torch import Tensor, nn

_SMALLEST_STD = 1e-3


class ImageNetwork(nn.Module, ABC):
    """A backbone that makes an embedding of an image, and a linear head that makes logits of it.

    Attributes:
        head: the last layer; everything else is the backbone.
        pretrained: whether the backbone's weights were learned elsewhere, for a normalisation
            that is theirs.
    """

    head: nn.Linear
    pretrained: bool
    mean: Tensor
    std: Tensor

    def __init__(self, *, mean: Tensor, std: Tensor, pretrained: bool = False) -> None:
        """Take the normalisation.

        Args:
            mean: `(C,)` of the pixels, 0 to 255; C is what the first layer takes.
            std: `(C,)` likewise.
            pretrained: keep this normalisation, whatever the data set's is.
        """
        super().__init__()
        self.pretrained = pretrained
        self.register_buffer("mean", mean.view(-1, 1, 1).clone())
        self.register_buffer("std", std.view(-1, 1, 1).clone())

    @abstractmethod
    def embed(self, images: Tensor) -> Tensor:
        """Normalised `(N, C, H, W)` to the embedding `(N, D)`."""

    @abstractmethod
    def parameters_by_stage(self) -> list[list[nn.Parameter]]:
        """Every parameter once, by stage, from the input to the head."""

    @abstractmethod
    def check_side(self, side: int) -> None:
        """Refuse images that the layers cannot take.

        Args:
            side: the smaller one, in pixels.

        Raises:
            ConfigError: naming how large they must be.
        """

    @property
    def embedding_size(self) -> int:
        """D, the number of features of the embedding."""
        return self.head.in_features

    def set_normalisation(self, mean: Tensor, std: Tensor) -> None:
        """Set what `normalise` subtracts and divides by, unless the backbone is pretrained.

        Args:
            mean: `(channels,)` of training pixels, 0 to 255.
            std: `(channels,)` likewise.
        """
        if not self.pretrained:
            self.mean.copy_(mean.view(-1, 1, 1))
            self.std.copy_(std.clamp_min(_SMALLEST_STD).view(-1, 1, 1))

    def normalise(self, images: Tensor) -> Tensor:
        """`(N, H, W, channels)` uint8 to `(N, C, H, W)` float32 of mean 0 and deviation 1.

        A single channel is repeated for a network that takes three.
        """
        return (images.permute(0, 3, 1, 2).float() - self.mean) / self.std

    def forward(self, images: Tensor) -> Tensor:
        """Normalised `(N, C, H, W)` to logits `(N, K)`."""
        return cast("Tensor", self.head(self.embed(images)))

    @torch.no_grad()
    def embed_images(self, images: Tensor) -> Tensor:
        """Embeddings as they are served, whatever the network is just doing.

        Args:
            images: `(N, H, W, channels)` uint8, on any device.

        Returns:
            `(N, D)` float32 on the CPU, of each image by itself.
        """
        training = [layer for layer in self.modules() if layer.training]
        self.eval()
        try:
            return self.embed(self.normalise(images.to(self.mean.device))).float().cpu()
        finally:
            for layer in training:
                layer.training = True

    def backbone_fingerprint(self) -> str:
        """Hash of the backbone's layers and weights: equal where the embeddings are."""
        digest = hashlib.sha256(type(self).__qualname__.encode())
        for name, layer in self.named_children():
            if layer is not self.head:
                digest.update(f"{name}={layer}".encode())
        for name, values in self.state_dict().items():
            if not name.startswith("head."):
                digest.update(f"{name}{tuple(values.shape)}".encode())
                digest.update(values.detach().cpu().contiguous().numpy().data)
        return digest.hexdigest()
