"""The model that the registry's alias points at as a BentoML service: another way to deploy it.

`bentoml serve mlopsproj_serving.bentoml_service:ImageService` answers `POST /v1/predict` with what
the api answers to the same images; BentoML's adaptive batching decides which requests share a
batch. Reads `MLOPSPROJ_REGISTRY_URL` and `MLOPSPROJ_MODEL` when it starts. Needs the extra
`bentoml`, and nothing else imports it. Knows nothing of the prediction log, of keys, or of aliases
that move: the api has these.
"""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import bentoml
import msgspec
from mlopsproj_core.cpu import available_cpus
from mlopsproj_core.errors import ImageError, MlopsprojError
from mlopsproj_core.image import PreparedImage, prepare_images
from mlopsproj_core.predictor import Prediction as Predicted
from mlopsproj_core.predictor import Predictor
from mlopsproj_core.registry import PRODUCTION, Registry
from mlopsproj_core.settings import Settings
from mlopsproj_records.identifiers import uuid7

from mlopsproj_serving.config import Limits
from mlopsproj_serving.http.answers import ClassProbability, Prediction
from mlopsproj_serving.http.problems import Problem, problem_of
from mlopsproj_serving.recording import TOP
from mlopsproj_serving.scheduling.job import failure

logger = logging.getLogger(__name__)

LIMITS: Final = Limits()


@bentoml.service(
    name="mlopsproj",
    # A batch at a time on each core, as the api does; threads inside one inference would wait for
    # each other at every layer.
    threads=available_cpus(),
    traffic={"timeout": LIMITS.body_seconds + LIMITS.deadline_seconds},
)
class ImageService:
    """Says what the model sees in images."""

    def __init__(self) -> None:
        """Fetch, verify and probe the version that is in production.

        Raises:
            RegistryError: if it cannot be fetched.
            BundleError: if it is damaged, or this machine computes otherwise than it expects.
        """
        settings = Settings()
        registry = Registry(settings.registry_url)
        model = settings.model or ""
        named = "@" in model or ":" in model
        self._version = registry.resolve(model if named else f"{model}@{PRODUCTION}")
        self._predictor = Predictor.load(registry.fetch(self._version), threads=1)
        logger.info("%s is served", self._version)

    @bentoml.api(  # type: ignore[untyped-decorator]  # (bentoml does not type it)
        route="/v1/predict",
        batchable=True,
        max_batch_size=LIMITS.images,
        max_latency_ms=int(LIMITS.deadline_seconds * 1e3),
    )
    def predict(self, images: list[Path]) -> list[dict[str, Any]]:
        """Say what the model sees in images.

        Args:
            images: encoded files, of one request or of several that arrived together.

        Returns:
            For each a prediction or a problem, as the api answers several; a bad image fails
            alone.
        """
        prepared = prepare_images(
            [path.read_bytes() for path in images],
            self._predictor.manifest.image,
            max_pixels=LIMITS.image_pixels,
        )
        good = [each for each in prepared if isinstance(each, PreparedImage)]
        predicted = iter(self._predicted(good))
        outcomes = [each if isinstance(each, ImageError) else next(predicted) for each in prepared]
        return [msgspec.to_builtins(self._answer(outcome)) for outcome in outcomes]

    def _predicted(self, images: Sequence[PreparedImage]) -> list[Predicted | MlopsprojError]:
        try:
            return list(self._predictor.predict_prepared(images))
        except Exception as error:  # noqa: BLE001 (whatever it is, each image has its own outcome)
            if len(images) == 1:
                return [failure(error)]
        # One of them may be what the others failed by.
        return [self._predicted([image])[0] for image in images]

    def _answer(self, outcome: Predicted | MlopsprojError) -> Prediction | Problem:
        if isinstance(outcome, MlopsprojError):
            return problem_of(outcome)
        return Prediction(
            id=uuid7(),
            model=self._version.name,
            version=self._version.number,
            predictions=[
                ClassProbability(each.name, each.probability) for each in outcome.ranking[:TOP]
            ],
            ood_score=outcome.ood_score,
        )
