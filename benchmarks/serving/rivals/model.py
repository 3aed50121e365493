"""The graph of a bundle as a user's own server would run it, and both ways to decode.

Settings come by environment, since each server starts its own processes. Knows nothing of HTTP.
"""

import io
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
import onnxruntime as ort
from mlopsproj_core import ImageSpec, prepare_image
from mlopsproj_core.image import Pixels
from PIL import Image

SHOWN = 5
"""Classes that an answer names."""

Decoder = Literal["pillow", "ours"]


@dataclass(frozen=True)
class RivalSettings:
    """How one rival runs.

    Attributes:
        bundle: folder of the bundle that is served.
        decoder: plain Pillow and numpy, or `prepare_image` of this project.
        workers: processes that infer.
        threads: that call the model in each process, where the framework has such a setting.
        onnx_threads: inside one inference; 0 leaves it to onnxruntime.
        batch: images that may be inferred together; 1 is no batching.
        wait_ms: that a batch may wait for more images.
        fast_queue: LitServe's queue by ZeroMQ.
    """

    bundle: str
    decoder: Decoder = "pillow"
    workers: int = 1
    threads: int = 1
    onnx_threads: int = 1
    batch: int = 1
    wait_ms: float = 0.0
    fast_queue: bool = False

    def environment(self) -> dict[str, str]:
        """Variables from which `from_environment` makes the same."""
        return {"SERVING_RIVAL": json.dumps(vars(self))}

    @classmethod
    def from_environment(cls) -> "RivalSettings":
        """What the process that started this one has set."""
        return cls(**json.loads(os.environ["SERVING_RIVAL"]))


class Model:
    """A session and how images become its input; may be used from several threads."""

    def __init__(self, bundle: Path, decoder: Decoder, onnx_threads: int) -> None:
        manifest = json.loads((bundle / "manifest.json").read_text(encoding="utf-8"))
        self._classes: list[str] = manifest["classes"]
        self.spec = ImageSpec(**manifest["image"])
        self.decode = self._plain if decoder == "pillow" else self._ours
        options = ort.SessionOptions()
        options.intra_op_num_threads = onnx_threads
        self._session = ort.InferenceSession(
            bundle / "model.onnx", options, providers=["CPUExecutionProvider"]
        )

    @classmethod
    def of(cls, settings: RivalSettings) -> "Model":
        """The one that the settings name."""
        return cls(Path(settings.bundle), settings.decoder, settings.onnx_threads)

    def infer(self, images: Pixels) -> list[Any]:
        """All outputs of `(N, height, width, channels)` uint8."""
        return cast("list[Any]", self._session.run(None, {"image": images}))

    def answers(self, images: Pixels) -> list[dict[str, Any]]:
        """Infer, and say the most probable classes of each image."""
        return [
            {
                "predictions": [
                    {"class": self._classes[index], "probability": float(row[index])}
                    for index in np.argsort(-row)[:SHOWN]
                ]
            }
            for row in self.infer(images)[0]
        ]

    def _plain(self, data: bytes) -> Pixels:
        """As tutorials do it: `(height, width, channels)` uint8."""
        return self.pixels(Image.open(io.BytesIO(data)))

    def pixels(self, image: Image.Image) -> Pixels:
        """Of an opened image, by Pillow and numpy alone."""
        mode = "L" if self.spec.channels == 1 else "RGB"
        resized = image.convert(mode).resize((self.spec.width, self.spec.height))
        return np.asarray(resized).reshape(self.spec.shape)

    def _ours(self, data: bytes) -> Pixels:
        return prepare_image(data, self.spec).pixels
