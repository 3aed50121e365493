"""Made-up answers whose chance to be right is known, and bundles that hold some."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from mlopsproj_core.bundle import PERTURBED, REFERENCE
from mlopsproj_core.outputs import Outputs
from mlopsproj_evaluation import Perturbed, Scores, write_reference
from scipy.special import expit
from small_bundle import make_small_bundle

FAMILIES = {
    "none": "none",
    "shot_noise": "noise",
    "fog": "weather",
    "snow": "weather",
    "jpeg": "digital",
    "shift": "placement",
}


def draw(images, *, classes=3, far=0.0, over=0.0, seed=0):
    """Answers to images `far` away, of a model that is too sure of them by `over` in log odds.

    Returns:
        Probabilities, scores and labels; the chance to be right beside them.
    """
    rng = np.random.default_rng(seed)
    sure = rng.gamma(2.0, 1.0, images) - 0.4 * far
    top = np.clip(expit(sure), 1 / classes + 0.01, 0.999)
    chance = np.clip(expit(sure - over), 1 / classes, 1)
    rest = rng.dirichlet(np.ones(classes - 1), images) if classes > 2 else np.ones((images, 1))
    share = (1 - top)[:, None] * rest
    predicted = rng.integers(0, classes, images)
    # No other class may be as probable as the first.
    share = np.minimum(share, top[:, None] * 0.98)
    probabilities = np.zeros((images, classes))
    probabilities[np.arange(images), predicted] = top
    others = np.arange(classes)[None].repeat(images, axis=0)
    others = others[others != predicted[:, None]].reshape(images, classes - 1)
    np.put_along_axis(probabilities, others, share, axis=1)
    right = rng.random(images) < chance
    labels = np.where(right, predicted, (predicted + 1) % classes)
    scores = 5 + far + rng.gamma(4.0, 0.3, images)
    return probabilities.astype(np.float32), scores.astype(np.float32), labels, chance


def perturbed(images=400, *, classes=3, spoilt=None, seed=0):
    """Answers as a bundle keeps them: the farther an image lies, the more too sure is the model.

    Args:
        images: each as it was and under every corruption.
        classes: K.
        spoilt: how far the images of a corruption lie for each severity, 1.0 unless given.
        seed: of the drawing.
    """
    rng = np.random.default_rng(seed)
    names = [name for name in FAMILIES for _ in range(images)]
    clean = np.array([name == "none" for name in names])
    severities = np.where(clean, 0, rng.integers(1, 6, len(names))).astype(np.int8)
    far = severities * np.array([(spoilt or {}).get(name, 1.0) for name in names])
    probabilities, scores, labels, _ = draw(
        len(names), classes=classes, far=far, over=0.5 * far, seed=seed
    )
    return Perturbed(
        ids=tuple(f"{row:064x}" for row in range(images)) * len(FAMILIES),
        corruptions=tuple(names),
        families=tuple(FAMILIES[name] for name in names),
        severities=severities,
        labels=labels,
        probabilities=probabilities,
        ood_score=scores,
    )


def write_clean(folder: Path, images=300, *, classes=2, over=0.0, seed=0):
    """A reference in a folder that becomes a bundle."""
    probabilities, scores, labels, _ = draw(images, classes=classes, over=over, seed=seed)
    kept = Scores(tuple(f"{row:064x}" for row in range(images)), labels, probabilities)
    statistics = pa.table(
        {
            **{name: np.full(images, 28) for name in ("width", "height")},
            "mode": ["L"] * images,
            **{
                name: np.zeros(images)
                for name in ("brightness", "contrast", "sharpness", "saturation")
            },
        }
    )
    outputs = Outputs(probabilities, np.zeros((images, 2), np.float32), scores)
    write_reference(folder / REFERENCE, statistics, kept, outputs)


@pytest.fixture(scope="session")
def draw_answers():
    return draw


@pytest.fixture(scope="session")
def make_perturbed():
    return perturbed


@pytest.fixture
def make_bundle(tmp_path):
    """A sealed bundle of two classes with a reference, and with answers if there are some."""

    def make(answers=None, **reference):
        def fill(folder):
            write_clean(folder, **reference)
            if answers is not None:
                answers.write(folder / PERTURBED)

        return make_small_bundle(tmp_path / "bundle", fill=fill)

    return make
