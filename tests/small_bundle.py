"""Makes a complete bundle without training: `python tests/small_bundle.py FOLDER`.

Its graph tells dark from bright. Knows nothing of torch, so that a bundle can be had where none is
installed; needs onnx. Every test of the repository may import it.
"""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from mlopsproj_core import Bundle, ImageSpec, seal_bundle
from mlopsproj_core.bundle import EVALUATION, MODEL, MODEL_CARD, PROBE, REFERENCE, TRAINING_IDS
from mlopsproj_core.manifest import DataSummary, Metric, Parity
from mlopsproj_core.onnx_graph import OnnxGraph
from mlopsproj_core.probe import write_probe
from onnx import parser, save

SPEC = ImageSpec(height=28, width=28, channels=1)
CLASSES = ("dark", "bright")

GRAPH = """
<ir_version: 10, opset_import: ["" : 20]>
brightness (uint8[N, 28, 28, 1] image)
    => (float[N, 2] probabilities, float[N, 1] embedding, float[N] ood_score)
<float scale = {0.0039216}, int64[3] axes = {1, 2, 3}, int64[1] one = {1}, float half = {0.5},
 float[1, 2] weights = {-8.0, 8.0}>
{
    pixels = Cast <to = 1> (image)
    mean = ReduceMean <keepdims = 0> (pixels, axes)
    bright = Mul (mean, scale)
    column = Unsqueeze (bright, one)
    embedding = Sub (column, half)
    logits = MatMul (embedding, weights)
    probabilities = Softmax <axis = 1> (logits)
    ood_score = Abs (bright)
}
"""


def make_small_bundle(
    folder: Path,
    *,
    name: str = "brightness",
    parity: Parity | None = None,
    fingerprint: str = "0" * 64,
    counts: Mapping[str, int] | None = None,
    parent: str | None = None,
    graph: str = GRAPH,
    fill: Callable[[Path], None] | None = None,
) -> Bundle:
    """Write and seal a bundle; only graph, probe and manifest have content unless `fill` gives it.

    Args:
        folder: that is made.
        name: of the model.
        parity: that the manifest records.
        fingerprint: of the data that the manifest records.
        counts: images of each split that it records; no test image unless given.
        parent: that it says it was made from.
        graph: that is written, with the inputs and outputs of `GRAPH`.
        fill: writes evaluation, reference, training ids or card into the folder before it is
            sealed.
    """
    folder.mkdir(parents=True)
    save(parser.parse_model(graph), folder / MODEL)
    for file in (EVALUATION, REFERENCE, TRAINING_IDS, MODEL_CARD):
        (folder / file).write_bytes(b"")
    session = OnnxGraph(folder / MODEL, SPEC, len(CLASSES))
    write_probe((folder / PROBE).parent, SPEC, session.run)
    if fill is not None:
        fill(folder)
    return seal_bundle(
        folder,
        name=name,
        classes=CLASSES,
        image=SPEC,
        metrics={"accuracy": Metric(value=1.0, low=0.9, high=1.0)},
        data=DataSummary(name=name, fingerprint=fingerprint, counts=dict(counts or {"test": 0})),
        parity=parity,
        parent=parent,
    )


if __name__ == "__main__":
    make_small_bundle(Path(sys.argv[1]))
