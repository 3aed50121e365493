"""BentoML without batching: `bentoml serve serving.rivals.bentoml_single:Classifier`.

https://docs.bentoml.com/en/latest/build-with-bentoml/iotypes.html has images as `PIL.Image.Image`.
"""

from typing import Any

import bentoml
from PIL.Image import Image

from serving.rivals.bentoml_images import pixels
from serving.rivals.model import Model, RivalSettings

settings = RivalSettings.from_environment()


@bentoml.service(workers=settings.workers, threads=settings.threads)
class Classifier:
    """A raw image body in, classes out."""

    def __init__(self) -> None:
        self.model = Model.of(settings)

    @bentoml.api  # type: ignore[untyped-decorator]  # it says so of itself
    def predict(self, image: Image, /) -> dict[str, Any]:
        """One image, in a thread of the worker."""
        return self.model.answers(pixels(self.model, image, settings.decoder)[None])[0]
