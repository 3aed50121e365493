"""What every rung of a ladder works with: the parent, its images, and where variants stand.

    <out>/climb.json                  which model is optimised here
    <out>/times.json                  how fast the variants were, from which the choice follows
    <out>/rungs/<name>/bundle/        the variant, sealed, judged on validation images
    <out>/rungs/<name>/outcome.json   what came of it, written last
    <out>/rungs/<name>/training/      the run of a variant that was trained
    <out>/chosen/                     the variant that was chosen, judged on test images
    <out>/report.json  variants.png   what there was to choose from

Knows nothing of how a variant is made.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from mlopsproj_core.bundle import MODEL
from mlopsproj_core.cpu import instruction_sets
from mlopsproj_core.errors import CompressionError, TrainingError
from mlopsproj_core.image import Pixels
from mlopsproj_core.labelled import LabelledImages
from mlopsproj_core.onnx_graph import saturates
from mlopsproj_data import PreparedDataset
from mlopsproj_models.config import Calibration
from mlopsproj_models.factory import build_network
from mlopsproj_models.networks import ImageNetwork

from mlopsproj_train.checkpoints import load_checkpoint
from mlopsproj_train.config import TrainConfig
from mlopsproj_train.optimizing.config import OptimizeConfig
from mlopsproj_train.optimizing.documents import write_document
from mlopsproj_train.optimizing.parent import Parent

_PREFIX = "network."

BASELINE = "fp32"
"""Name of the parent's own graph among the variants."""

FOLDED = "folded"
"""Name of the variant that int8 ones are made from."""


@dataclass(frozen=True)
class Outcome:
    """What came of a rung.

    Attributes:
        key: hash of all that it follows from.
        reason: why it was skipped; None if it stands.
        details: of how it was made.
        seconds: that it took.
    """

    key: str
    reason: str | None
    details: dict[str, Any]
    seconds: float

    def write(self, path: Path) -> None:
        """Write it, at once: a rung with an outcome is done."""
        write_document(vars(self), path)

    @classmethod
    def read(cls, path: Path) -> "Outcome | None":
        """What was written; None if there is nothing, or nothing that can be read."""
        try:
            values = json.loads(path.read_bytes())
            return cls(
                values["key"], values["reason"], dict(values["details"]), float(values["seconds"])
            )
        except (OSError, ValueError, TypeError, KeyError):
            return None


@dataclass(frozen=True, eq=False)
class Workshop:
    """One climb.

    Attributes:
        parent: that is optimised.
        config: of the climb.
        folder: of the climb.
        outcomes: of the rungs that were tried, by name, in their order.
    """

    parent: Parent
    config: OptimizeConfig
    folder: Path
    outcomes: dict[str, Outcome] = field(default_factory=dict)

    def rung(self, name: str) -> Path:
        """Folder of a rung."""
        return self.folder / "rungs" / name

    def bundle(self, name: str) -> Path:
        """Folder of a rung's bundle."""
        return self.rung(name) / "bundle"

    def graph(self, name: str) -> Path:
        """Graph of a variant that others are made from.

        Raises:
            CompressionError: if it was skipped.
        """
        if name not in self.standing:
            raise CompressionError(f"It is made from {name}, which was skipped.")
        return self.bundle(name) / MODEL

    @property
    def standing(self) -> list[str]:
        """Names of the variants that were made, in their order."""
        return [name for name, outcome in self.outcomes.items() if outcome.reason is None]

    def best_method(self) -> Calibration:
        """The method whose int8 variant of the parent diverges least from it.

        Raises:
            CompressionError: if there is none.
        """
        tried = [name for name in self.standing if "method" in self.outcomes[name].details]
        own = [name for name in tried if self.outcomes[name].details["source"] == FOLDED]
        if not own:
            raise CompressionError("No int8 variant of the model itself stands to go by.")
        best = min(own, key=lambda name: float(self.outcomes[name].details["divergence"]))
        return Calibration(self.outcomes[best].details["method"])

    @cached_property
    def train(self) -> LabelledImages:
        """Training images."""
        return self.parent.dataset.labelled("train")

    @cached_property
    def validation(self) -> LabelledImages:
        """Images that variants are chosen on."""
        return self.parent.dataset.labelled("validation")

    @cached_property
    def calibration_images(self) -> Pixels:
        """Training images that ranges are seen on, `(N, H, W, C)` uint8."""
        count = min(self.config.quantisation.images, len(self.train))
        rows = np.random.default_rng(self.config.seed).permutation(len(self.train))[:count]
        return np.asarray(self.train.images[np.sort(rows)])

    @property
    def reduced_range(self) -> bool:
        """Whether weights get seven bits: with eight the fastest products overflow here."""
        return saturates(instruction_sets())

    def run_config(self) -> TrainConfig:
        """How the parent was trained.

        Raises:
            CompressionError: if its bundle does not tell.
        """
        if self.parent.config is None:
            raise CompressionError("The bundle does not tell how its network was trained.")
        return self.parent.config

    def network(self) -> ImageNetwork:
        """The parent's network with its weights.

        Raises:
            CompressionError: if the run that made it is not here, or its weights do not fit.
        """
        config = self.run_config()
        if self.parent.weights is None:
            raise CompressionError(
                f"The weights of {self.parent.version} are not here, only its graph: give the"
                " folder of its run by bundle=runs/…."
            )
        network = empty_network(config, self.parent.dataset)
        try:
            weights = load_checkpoint(self.parent.weights)["state_dict"]
            own = {name.removeprefix(_PREFIX): values for name, values in weights.items()}
            network.load_state_dict(own)
        except (TrainingError, RuntimeError) as error:
            raise CompressionError(
                f"The weights {self.parent.weights} cannot be used: {error}"
            ) from error
        return network.eval()


Build = Callable[[Workshop, Path], dict[str, Any]]
"""Writes the graph of a variant, and tells how it was made."""


def empty_network(config: TrainConfig, dataset: PreparedDataset) -> ImageNetwork:
    """A network that is about to be given weights, so that none from elsewhere are asked for.

    Args:
        config: of the run that trained it.
        dataset: that it was trained on.
    """
    return build_network(
        replace(config.model, pretrained=False),
        channels=dataset.spec.channels,
        classes=len(dataset.classes),
    )
