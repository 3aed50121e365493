"""Sides of a contest: bundles that differ in what they said of which images, and what they saw."""

from dataclasses import replace

import numpy as np
import pytest
from mlopsproj_core.bundle import EVALUATION, ROBUSTNESS, TRAINING_IDS, Bundle
from mlopsproj_core.manifest import Parity
from mlopsproj_evaluation.gates import Contest, GateLimits, Side
from shop import made_up_robustness
from small_bundle import GRAPH, make_small_bundle

PARITY = Parity(reference="torch", images=2000, disagreements=0, max_difference=3e-6)
NOTHING = np.array([], dtype=np.uint64)


@pytest.fixture
def make_bundle(tmp_path):
    made = []

    def make(
        scores,
        *,
        trained_on=NOTHING,
        parity=PARITY,
        parent=None,
        counts=None,
        fingerprint="f" * 64,
        graph=GRAPH,
        robustness=None,
    ):
        def fill(folder):
            scores.write(folder / EVALUATION)
            np.save(folder / TRAINING_IDS, np.sort(trained_on), allow_pickle=False)
            if robustness is not None:
                robustness.write(folder / ROBUSTNESS)

        if parity is not None:
            parity = parity.model_copy(update={"images": len(scores)})
        made.append(
            make_small_bundle(
                tmp_path / f"bundle {len(made)}",
                parity=parity,
                parent=parent,
                counts=counts or {"train": len(trained_on), "test": len(scores)},
                fingerprint=fingerprint,
                graph=graph,
                fill=fill,
            )
        )
        return made[-1]

    return make


@pytest.fixture
def make_side(make_bundle):
    def make(scores, *, name="brightness:1", **settings):
        return Side.of(make_bundle(scores, **settings), name=name)

    return make


@pytest.fixture(scope="session")
def another_graph():
    """That says the same, but is not the same file."""
    return GRAPH.replace("brightness (", "luminance (")


@pytest.fixture(scope="session")
def make_outcomes(make_scores):
    """Of so many images so many are right under all corruptions, the others under none."""

    def make(right, images, *, first=0, **changes):
        ids = make_scores(images, first=first).ids
        return replace(made_up_robustness(np.arange(images) < right, ids), **changes)

    return make


@pytest.fixture(scope="session")
def contest():
    def make(candidate, champion=None, *, parent=None, find_test_images=None, **limits):
        return Contest(candidate, champion, parent, GateLimits(**limits), find_test_images)

    return make


@pytest.fixture(scope="session")
def with_manifest():
    """The same side, but its manifest says otherwise."""

    def change(side, **values):
        manifest = side.bundle.manifest.model_copy(update=values)
        return replace(side, bundle=Bundle(side.bundle.path, manifest))

    return change
