import numpy as np
import pytest
from mlopsproj_monitoring import DriftConfig, DriftDetector, Reference, Sample
from mlopsproj_records import uuid7

CLASSES = ("cat", "dog & <b>bone</b>", "$bird$")


def images(generator, count, *, darker=0.0, classes=3):
    probabilities = generator.dirichlet(np.ones(classes), count).astype(np.float32)
    return Sample(
        ids=[str(uuid7()) for _ in range(count)],
        probabilities=probabilities,
        embedding=generator.normal(size=(count, 8)).astype(np.float32),
        ood_score=generator.normal(1, 0.1, count),
        statistics={
            "brightness": generator.normal(0.5 - darker, 0.1, count),
            "contrast": generator.normal(0.2, 0.05, count),
            "sharpness": generator.normal(0.1, 0.02, count),
            "saturation": np.zeros(count),
            "width": np.full(count, 28.0),
            "height": np.full(count, 28.0),
        },
        mode=["L"] * count,
        labels=probabilities.argmax(axis=1).tolist(),
    )


@pytest.fixture(scope="session")
def reference():
    return Reference("animals", CLASSES, images(np.random.default_rng(0), 600))


@pytest.fixture(scope="session")
def detector(reference):
    return DriftDetector(reference, DriftConfig(draws=1000))


@pytest.fixture(scope="session")
def dark_window():
    return images(np.random.default_rng(1), 200, darker=0.3)


@pytest.fixture(scope="session")
def make_images():
    return images
