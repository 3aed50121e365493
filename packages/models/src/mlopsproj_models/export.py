"""The calibrated network to an ONNX graph, and the proof that both say the same.

Knows nothing of bundles beyond their graph's names.
"""

import logging
import warnings
from pathlib import Path

import numpy as np
import torch
from mlopsproj_core.errors import ParityError
from mlopsproj_core.image import ImageSpec
from mlopsproj_core.labelled import LabelledImages
from mlopsproj_core.manifest import Parity
from mlopsproj_core.onnx_graph import OUTPUT_NAMES
from mlopsproj_core.outputs import Floats, Outputs
from mlopsproj_evaluation.gates import PARITY_TOLERANCE

from mlopsproj_models.directions import ONNX_TRANSLATIONS
from mlopsproj_models.graph import ServingGraph, run_batches

_OPSET = 20


def export_onnx(graph: ServingGraph, spec: ImageSpec, path: Path) -> None:
    """Write `graph` as one ONNX file with a dynamic batch axis."""
    example = torch.zeros((2, *spec.shape), dtype=torch.uint8)
    exporter = logging.getLogger("torch.onnx")
    level = exporter.level
    exporter.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            # Deprecations inside the exporter itself, which no caller can mend.
            warnings.simplefilter("ignore")
            torch.onnx.export(
                graph.eval(),
                (example,),
                path,
                dynamo=True,
                opset_version=_OPSET,
                input_names=["image"],
                output_names=OUTPUT_NAMES,
                dynamic_shapes={"image": {0: torch.export.Dim("batch", min=1)}},
                external_data=False,
                custom_translation_table=ONNX_TRANSLATIONS,
                verbose=False,
            )
    finally:
        exporter.setLevel(level)


def check_parity(graph: ServingGraph, images: LabelledImages, exported: Outputs) -> Parity:
    """Hold what the exported graph gave against torch.

    Args:
        graph: that was exported.
        images: the whole test set.
        exported: what onnxruntime gave for `images`.

    Raises:
        ParityError: if a probability differs by more than 1e-4, or the class does where the two
            largest probabilities do not tie.
    """
    with torch.inference_mode():
        expected = run_batches(lambda batch: graph(batch)[0], images).numpy()
    parity = compare_probabilities(expected, exported.probabilities)
    if parity.disagreements or not parity.max_difference <= PARITY_TOLERANCE:
        raise ParityError(
            f"The exported graph disagrees with the network: {parity.disagreements} of"
            f" {parity.images:,} classes differ and a probability by {parity.max_difference:.2g}"
            f" (at most {PARITY_TOLERANCE:g} is accepted). Nothing was published; train in float32"
            " or report the versions of torch and onnxruntime."
        )
    return parity


def compare_probabilities(expected: Floats, found: Floats, *, reference: str = "torch") -> Parity:
    """Largest difference, and how often the class differs where there is no tie.

    Args:
        expected: `(N, K)` of what the graph was made from.
        found: `(N, K)` that the graph gave.
        reference: what it was made from: "torch", or the parent as `name:version`.
    """
    two_largest = np.sort(expected, axis=1)[:, -2:]
    tie = two_largest[:, 1] - two_largest[:, 0] <= PARITY_TOLERANCE
    differs = expected.argmax(axis=1) != found.argmax(axis=1)
    return Parity(
        reference=reference,
        images=len(expected),
        disagreements=int((differs & ~tie).sum()),
        max_difference=float(np.abs(expected - found).max()),
    )
