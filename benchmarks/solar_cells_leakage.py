"""What a random split of the solar cells flatters: neighbours of a test cell are trained on.

The package does not tell which of 44 modules a cell was cut from, but its files seem to lie module
by module. So logistic regression on the features of EfficientNet-Lite0, as ImageNet made them, is
cross-validated twice, five-fold: with cells drawn at random, and with blocks of 60 files, about as
many as a module has, that stay together. The difference is the leak, as far as the order of
the files shows modules.

Run: uv run --extra solar-cells python benchmarks/solar_cells_leakage.py
"""

import re
import tempfile
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from measurement import store
from mlopsproj_data import DataConfig, prepare
from mlopsproj_data.config import Source
from mlopsproj_data.splits import SPLITS
from mlopsproj_models.config import ModelConfig
from mlopsproj_models.factory import build_network
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

SIDE, FOLDS, BLOCK, AT_ONCE = 128, 5, 60, 64
STRENGTH = 0.001
"""Inverse of the regularisation."""

Numbers = npt.NDArray[np.int64]


def main() -> None:
    """Measure both kinds of folds, for all cells and for monocrystalline ones."""
    figures: dict[str, Any] = {}
    for source in (Source.solar_cells_mono, Source.solar_cells):
        with tempfile.TemporaryDirectory() as scratch:
            features, labels, numbers = embedded(source, scratch)
        rng = np.random.default_rng(0)
        accuracies = {
            "random": cross_validated(features, labels, rng.permutation(len(labels)), rng),
            "blocks": cross_validated(features, labels, numbers // BLOCK, rng),
        }
        print(f"{source}: {accuracies['random']:.3f} random, {accuracies['blocks']:.3f} in blocks")
        figures[source] = {"cells": len(labels), **accuracies}
    store("solar_cells_leakage", {"folds": FOLDS, "block": BLOCK, "cases": figures})


def embedded(source: Source, folder: str) -> tuple[npt.NDArray[np.float32], Numbers, Numbers]:
    """Features `(N, D)`, labels `(N,)` and numbers of the files, from 0, `(N,)`."""
    dataset = prepare(DataConfig(source=source, image_size=SIDE, prepared_dir=folder))
    network = build_network(
        ModelConfig(architecture="efficientnet_lite0"), channels=1, classes=len(dataset.classes)
    ).eval()
    features, labels, numbers = [], [], []
    for split in SPLITS:
        part = dataset.labelled(split)
        for start in range(0, len(part), AT_ONCE):
            images = torch.tensor(part.images[start : start + AT_ONCE])
            with torch.inference_mode():
                features.append(network.embed(network.normalise(images)).numpy())
        labels.append(part.labels)
        names = dataset.table(split)["source"].to_pylist()
        numbers += [int(re.findall(r"cell(\d+)", name)[0]) - 1 for name in names]
    standard = StandardScaler().fit_transform(np.concatenate(features))
    return standard.astype(np.float32), np.concatenate(labels), np.array(numbers)


def cross_validated(
    features: npt.NDArray[np.float32], labels: Numbers, groups: Numbers, rng: np.random.Generator
) -> float:
    """Accuracy over all folds, each of whole groups."""
    found, places = np.unique(groups, return_inverse=True)
    folds = rng.permutation(np.arange(len(found)) % FOLDS)[places]
    right = 0
    for fold in range(FOLDS):
        model = LogisticRegression(C=STRENGTH, class_weight="balanced", max_iter=100)
        model.fit(features[folds != fold], labels[folds != fold])
        right += int((model.predict(features[folds == fold]) == labels[folds == fold]).sum())
    return right / len(labels)


if __name__ == "__main__":
    main()
