"""BentoML with adaptive batching: `bentoml serve serving.rivals.bentoml_batching:Classifier`.

https://docs.bentoml.com/en/latest/get-started/adaptive-batching.html; a client sends a list of one.
"""

from typing import Any

import bentoml
import numpy as np
from PIL.Image import Image

from serving.rivals.bentoml_images import pixels
from serving.rivals.model import Model, RivalSettings

settings = RivalSettings.from_environment()


@bentoml.service(workers=settings.workers, threads=settings.threads)
class Classifier:
    """Images as files of a form in, classes out."""

    def __init__(self) -> None:
        self.model = Model.of(settings)

    @bentoml.api(  # type: ignore[untyped-decorator]  # it says so of itself
        batchable=True, max_batch_size=settings.batch, max_latency_ms=round(settings.wait_ms)
    )
    def predict(self, images: list[Image]) -> list[dict[str, Any]]:
        """Images of several requests, in a thread of the worker."""
        decoded = [pixels(self.model, image, settings.decoder) for image in images]
        return self.model.answers(np.stack(decoded))
