"""Versions of a model that can be told apart by what they answer, and images to ask them about.

For tests of whatever serves one version after another; needs onnx.
"""

import io
from itertools import count
from pathlib import Path

from mlopsproj_core.registry import ModelVersion, Registry
from PIL import Image
from small_bundle import GRAPH, make_small_bundle

GREY = 128


class NumberedVersions:
    """Publishes versions whose `ood_score` is their number times the brightness of the image."""

    def __init__(self, registry: Registry, scratch: Path) -> None:
        self.registry = registry
        self._scratch = scratch
        self._numbers = count(1)

    def publish(self, *, name: str = "brightness") -> ModelVersion:
        number = next(self._numbers)
        graph = GRAPH.replace("float half = {0.5}", f"float half = {{0.5}}, float n = {{{number}}}")
        graph = graph.replace("ood_score = Abs (bright)", "ood_score = Mul (bright, n)")
        bundle = make_small_bundle(self._scratch / f"bundle-{number}", name=name, graph=graph)
        version = self.registry.publish(bundle)
        assert version.number == number, "one model in one registry"
        return version

    def put(self, version: ModelVersion, alias: str = "production") -> None:
        """Point an alias at a version."""
        self.registry.move_alias(
            version.name, alias, version.number, actor="test", reason="put there"
        )


def grey_image(*, side: int = 100) -> bytes:
    """An encoded image, of which `number_of` tells who answered."""
    with io.BytesIO() as file:
        Image.new("L", (side, side), GREY).save(file, "PNG")
        return file.getvalue()


def number_of(ood_score: float) -> int:
    """The number of the version that computed a grey image."""
    number = ood_score / (GREY / 255)
    assert abs(number - round(number)) < 0.02, number
    return round(number)
