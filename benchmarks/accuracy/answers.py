"""What a trained model says of test images that its bundle kept nothing of, under every corruption.

Knows nothing of estimators.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from mlopsproj_core.bundle import MODEL, PERTURBED, Bundle
from mlopsproj_core.image import Pixels
from mlopsproj_core.onnx_graph import OnnxGraph
from mlopsproj_core.outputs import Floats
from mlopsproj_data import prepare
from mlopsproj_evaluation import Perturbed, corrupt
from mlopsproj_evaluation.corruptions.catalogue import CORRUPTIONS
from mlopsproj_evaluation.corruptions.corruption import SEVERITIES
from mlopsproj_evaluation.robustness.outcomes import CLEAN
from mlopsproj_train.bundle_data import check_fit, data_of

MOST_IMAGES: Final = 2000
_BATCH = 256


@dataclass(frozen=True, eq=False)
class Answers:
    """To the same N images under one corruption at one severity.

    Attributes:
        corruption: `none` for the images as they are.
        family: of the corruption.
        severity: 1 to 5; 0 for the images as they are.
        probabilities: `(N, K)`.
        ood_score: `(N,)`.
        correct: `(N,)`.
    """

    corruption: str
    family: str
    severity: int
    probabilities: Floats
    ood_score: Floats
    correct: npt.NDArray[np.bool_]


def ask(run: Path, most_images: int = MOST_IMAGES) -> tuple[Bundle, Perturbed, list[Answers]]:
    """Run a model over test images that are not in `perturbed.parquet`.

    Args:
        run: folder that `train` wrote; its data is found prepared, or is prepared again.
        most_images: that are taken.
    """
    bundle = Bundle.open(run / "bundle")
    dataset = prepare(data_of(bundle.manifest))
    check_fit(str(run), bundle.manifest, dataset)
    taught = Perturbed.read(bundle.path / PERTURBED)
    test = dataset.labelled("test")
    seen = set(taught.ids)
    others = np.array([row for row, name in enumerate(test.ids) if name not in seen])
    order = np.random.default_rng(0).permutation(len(others))[:most_images]
    rows = np.sort(others[order])
    pixels, labels = np.asarray(test.images[rows]), test.labels[rows]
    ids = [test.ids[row] for row in rows]
    graph = OnnxGraph(bundle.path / MODEL, dataset.spec, len(dataset.classes))
    found = [_answers(graph, pixels, labels, CLEAN, 0)]
    for name in CORRUPTIONS:
        for severity in SEVERITIES:
            spoilt = corrupt(pixels, ids, name, severity)
            found.append(_answers(graph, spoilt, labels, name, severity))
        print(
            f"  {name}: accuracy {found[-5].correct.mean():.3f} to {found[-1].correct.mean():.3f}"
        )
    return bundle, taught, found


def _answers(
    graph: OnnxGraph, pixels: Pixels, labels: npt.NDArray[np.int64], name: str, severity: int
) -> Answers:
    pieces = [graph.run(pixels[start : start + _BATCH]) for start in range(0, len(pixels), _BATCH)]
    probabilities = np.concatenate([piece.probabilities for piece in pieces])
    return Answers(
        corruption=name,
        family=CLEAN if name == CLEAN else CORRUPTIONS[name].family.value,
        severity=severity,
        probabilities=probabilities,
        ood_score=np.concatenate([piece.ood_score for piece in pieces]),
        correct=np.asarray(probabilities.argmax(axis=1) == labels),
    )
