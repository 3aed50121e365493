"""Outcomes with exactly the mistakes that a test asks for, and a real graph of two classes."""

import numpy as np
import pytest
from mlopsproj_core import LabelledImages
from mlopsproj_core.bundle import MODEL
from mlopsproj_core.onnx_graph import OnnxGraph
from mlopsproj_evaluation import Robustness
from mlopsproj_evaluation.corruptions.catalogue import CORRUPTIONS, SUITE
from small_bundle import CLASSES, SPEC, make_small_bundle


def outcomes(correct, *, first=0, clean=None, corruptions=None, **changes):
    """Of images numbered from `first`; severities go round, as they are measured."""
    correct = np.asarray(correct, dtype=bool)
    images, columns = correct.shape
    turns = np.arange(images)[:, None] + np.arange(columns)
    values = {
        "ids": tuple(f"{number:016x}{number:048x}" for number in range(first, first + images)),
        "corruptions": corruptions or tuple(CORRUPTIONS)[:columns],
        "clean": np.ones(images, bool) if clean is None else np.asarray(clean, dtype=bool),
        "correct": correct,
        "severities": (turns % 5 + 1).astype(np.int8),
        "suite": SUITE,
        "seed": 0,
    }
    return Robustness(**{**values, **changes})


@pytest.fixture(scope="session")
def make_outcomes():
    return outcomes


@pytest.fixture(scope="session")
def graph(tmp_path_factory):
    """Tells dark from bright."""
    bundle = make_small_bundle(tmp_path_factory.mktemp("robustness") / "bundle")
    return OnnxGraph(bundle.path / MODEL, SPEC, len(CLASSES))


def draw_images(count, seed=0):
    """Dark and bright squares on grey, most of which the graph tells apart."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 2
    means = np.where(labels, 165, 90) + rng.integers(-25, 26, count)
    pixels = means[:, None, None, None] + rng.integers(-40, 41, (count, *SPEC.shape))
    pixels[:, 8:20, 8:20] += np.where(labels, 40, -40)[:, None, None, None]
    ids = tuple(rng.bytes(32).hex() for _ in range(count))
    return LabelledImages(ids, np.clip(pixels, 0, 255).astype(np.uint8), labels, CLASSES)


@pytest.fixture(scope="session")
def make_images():
    return draw_images
