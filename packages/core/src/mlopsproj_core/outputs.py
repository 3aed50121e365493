"""What the graph gives for a batch. Knows nothing of onnxruntime, torch or classes' names."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Outputs:
    """The three outputs of a graph for N images.

    Attributes:
        probabilities: `(N, K)` float32, rows sum to 1.
        embedding: `(N, D)` float32.
        ood_score: `(N,)` float32; larger is farther from the training data.
    """

    probabilities: Floats
    embedding: Floats
    ood_score: Floats

    def __len__(self) -> int:
        return len(self.probabilities)
