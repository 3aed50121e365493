"""LitServe, with or without its batching: `python -m serving.rivals.litserve_server PORT`.

https://lightning.ai/docs/litserve/speed-up-serving-by-200x is its own image classifier.
"""

import sys
from typing import Any

import litserve as ls  # type: ignore[import-untyped]  # has no types
import numpy as np
from fastapi import Request
from mlopsproj_core.image import Pixels

from serving.rivals.model import Model, RivalSettings


class ClassifierAPI(ls.LitAPI):  # type: ignore[misc]  # for the same reason
    """The file of a form in, classes out."""

    def setup(self, device: str) -> None:  # noqa: ARG002 (LitServe gives it)
        """Load the model, in each worker."""
        self.model = Model.of(RivalSettings.from_environment())

    def decode_request(self, request: Request) -> Pixels:
        """One request, of which LitServe hands over the form, to the pixels of its image.

        Base64 in JSON, which its documentation has also, took longer for large images.
        """
        form: Any = request
        return self.model.decode(form["image"].file.read())

    def batch(self, inputs: list[Pixels]) -> Pixels:
        """Only where batching is on."""
        return np.stack(inputs)

    def predict(self, x: Pixels) -> list[dict[str, Any]]:
        """A batch, or the pixels of one image."""
        return self.model.answers(x if x.ndim == 4 else x[None])  # noqa: PLR2004 (axes)

    def unbatch(self, output: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Only where batching is on."""
        return output

    def encode_response(self, output: Any) -> Any:
        """One answer; without batching it is the only one of a list."""
        return output[0] if isinstance(output, list) else output


def main() -> None:
    """Serve until ended."""
    settings = RivalSettings.from_environment()
    api = ClassifierAPI(max_batch_size=settings.batch, batch_timeout=settings.wait_ms / 1000)
    server = ls.LitServer(
        api,
        accelerator="cpu",
        workers_per_device=settings.workers,
        fast_queue=settings.fast_queue,
    )
    server.run(
        host="127.0.0.1",
        port=int(sys.argv[1]),
        log_level="warning",
        access_log=False,
        generate_client_file=False,
    )


if __name__ == "__main__":
    main()
