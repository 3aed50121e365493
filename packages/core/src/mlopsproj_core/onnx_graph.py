"""One ONNX graph of the contract in an onnxruntime session: prepared pixels in, outputs out.

Knows nothing of bundles, of decoding, or of what the classes are called.
"""

import functools
import platform
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime as ort

from mlopsproj_core.cpu import available_cpus, instruction_sets
from mlopsproj_core.errors import BundleCorruptError, ConfigError, ImageError
from mlopsproj_core.image import ImageSpec, Pixels
from mlopsproj_core.outputs import Outputs

OUTPUT_NAMES = ["probabilities", "embedding", "ood_score"]

_X86 = {"x86_64", "amd64"}
_X86_WITHOUT_VNNI = "avx2"
_DOT_PRODUCTS = {"avx512_vnni", "avx_vnni", "amx_int8"}


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
            ConfigError: if there is to be less than one thread.
        """
        if threads is not None and threads < 1:
            raise ConfigError(f"threads={threads}: give 1 or more, or leave it out.")
        self.spec = spec
        self._session = _session(model, available_cpus() if threads is None else threads)
        _check_contract(self._session, spec, classes)

    def run(self, images: Pixels) -> Outputs:
        """Run the graph over prepared images.

        Args:
            images: `(N, height, width, channels)` uint8, N at least 1.

        Raises:
            ImageError: if dtype or shape are others.
            BundleCorruptError: if the graph fails.
        """
        spec = self.spec
        if images.dtype != np.uint8 or images.shape[1:] != spec.shape or not len(images):
            raise ImageError(
                f"The graph takes uint8 (N, {spec.height}, {spec.width}, {spec.channels}), N at"
                f" least 1, not {images.dtype} {images.shape}: use Predictor.predict for images of"
                " other sizes."
            )
        try:
            outputs = self._session.run(OUTPUT_NAMES, {"image": np.ascontiguousarray(images)})
        except Exception as error:  # onnxruntime raises its own exceptions, without a common root
            raise BundleCorruptError(
                f"The graph fails on {len(images)} images: {error}. Export it again."
            ) from error
        return Outputs(*(np.asarray(output, dtype=np.float32) for output in outputs))


def saturates(sets: Sequence[str]) -> bool:
    """Whether a CPU's fastest products of int8 overflow, unless the weights have seven bits.

    x86-64 without VNNI adds two products of eight bits in sixteen, and cuts off what is too large.
    One that nothing is known of is taken for such.

    Args:
        sets: of its instructions, as `mlopsproj_core.cpu.instruction_sets` names them.
    """
    known = set(sets)
    if not known:
        return platform.machine().lower() in _X86
    return _X86_WITHOUT_VNNI in known and not known & _DOT_PRODUCTS


@functools.cache
def _saturates_here() -> bool:
    return saturates(instruction_sets())


def _session(model: Path, threads: int) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Threads that spin between two inferences take the cores from decoding.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if _saturates_here():
        # Slower products that are right, for weights that do not keep to seven bits.
        options.add_session_config_entry("session.x64quantprecision", "1")
    # Tensors of a branch would be looked for where the process stands: no file lies in a file.
    options.add_session_config_entry(
        "session.model_external_initializers_file_folder_path", str(model.resolve())
    )
    options.log_severity_level = 3
    try:
        # From bytes: a graph that points at files outside itself is refused.
        return ort.InferenceSession(model.read_bytes(), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime raises its own exceptions, without a common root
        raise BundleCorruptError(
            f"{model} cannot be loaded by onnxruntime {ort.__version__}: {error}"
        ) from error


def _check_contract(session: ort.InferenceSession, spec: ImageSpec, classes: int) -> None:
    """Hold names, types and axes against the contract; "N" is dynamic, None any."""
    image = {"image": ("tensor(uint8)", ("N", *spec.shape))}
    promised = {
        "probabilities": ("tensor(float)", ("N", classes)),
        "embedding": ("tensor(float)", ("N", None)),
        "ood_score": ("tensor(float)", ("N",)),
    }
    inputs = {value.name: (value.type, value.shape) for value in session.get_inputs()}
    outputs = {value.name: (value.type, value.shape) for value in session.get_outputs()}
    broken = [name for name, value in image.items() if not _agrees(inputs.get(name), value)]
    broken += [name for name, value in promised.items() if not _agrees(outputs.get(name), value)]
    broken += [name for name in inputs if name not in image]
    if broken:
        raise BundleCorruptError(
            f"{', '.join(broken)} of the graph break the contract. It takes {inputs} and gives"
            f" {outputs}; the manifest promises {image} and {promised}: export it again."
        )


def _agrees(
    found: tuple[str, list[int | str | None]] | None,
    promised: tuple[str, tuple[int | str | None, ...]],
) -> bool:
    if found is None or found[0] != promised[0] or len(found[1]) != len(promised[1]):
        return False
    return all(
        wanted is None or (not isinstance(axis, int) if wanted == "N" else axis == wanted)
        for axis, wanted in zip(found[1], promised[1], strict=True)
    )
