"""One ONNX graph of the contract in an onnxruntime session: prepared pixels in, outputs out.

Knows nothing of bundles, of decoding, or of what the classes are called.
"""

from pathlib import Path

import numpy as np
import onnxruntime as ort

from mlopsproj_core.cpu import available_cpus
from mlopsproj_core.errors import BundleCorruptError, ImageError
from mlopsproj_core.image import ImageSpec, Pixels
from mlopsproj_core.outputs import Outputs

OUTPUT_NAMES = ["probabilities", "embedding", "ood_score"]


class OnnxGraph:
    """A session; may be run from several threads at once."""

    def __init__(
        self, model: Path, spec: ImageSpec, classes: int, *, threads: int | None = None
    ) -> None:
        """Load a graph and hold it against the contract.

        Args:
            model: the ONNX file.
            spec: of the images that it must take.
            classes: K that it must tell apart.
            threads: inside one inference; the cores this process may use unless given.

        Raises:
            BundleCorruptError: if the graph cannot be loaded or breaks the contract.
        """
        self.spec = spec
        self._session = _session(model, threads or available_cpus())
        _check_contract(self._session, spec, classes)

    def run(self, images: Pixels) -> Outputs:
        """Run the graph over prepared images.

        Args:
            images: `(N, height, width, channels)` uint8, N at least 1.

        Raises:
            ImageError: if dtype or shape are others.
        """
        spec = self.spec
        if images.dtype != np.uint8 or images.ndim != 4 or images.shape[1:] != spec.shape:  # noqa: PLR2004 (axes)
            raise ImageError(
                f"The graph takes uint8 (N, {spec.height}, {spec.width}, {spec.channels}), not"
                f" {images.dtype} {images.shape}: use Predictor.predict for images of other sizes."
            )
        outputs = self._session.run(OUTPUT_NAMES, {"image": np.ascontiguousarray(images)})
        return Outputs(*(np.asarray(output, dtype=np.float32) for output in outputs))


def _session(model: Path, threads: int) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Threads that spin between two inferences take the cores from decoding.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    try:
        # From bytes: a graph that points at files outside itself is refused.
        return ort.InferenceSession(model.read_bytes(), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime raises its own exceptions, without a common root
        raise BundleCorruptError(
            f"{model} cannot be loaded by onnxruntime {ort.__version__}: {error}"
        ) from error


def _check_contract(session: ort.InferenceSession, spec: ImageSpec, classes: int) -> None:
    inputs = {value.name: (value.type, value.shape) for value in session.get_inputs()}
    kind, shape = inputs.get("image", ("", []))
    outputs = {value.name: value.shape for value in session.get_outputs()}
    if (
        len(inputs) != 1
        or kind != "tensor(uint8)"
        or list(shape[1:]) != list(spec.shape)
        or not set(OUTPUT_NAMES) <= set(outputs)
        or outputs["probabilities"][-1] != classes
    ):
        raise BundleCorruptError(
            f"The graph takes {inputs} and gives {outputs}; the manifest promises `image` uint8"
            f" (N, {spec.height}, {spec.width}, {spec.channels}) and {OUTPUT_NAMES} of {classes}"
            " classes: export it again."
        )
