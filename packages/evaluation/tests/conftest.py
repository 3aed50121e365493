"""Scores with exactly the mistakes that a test asks for."""

import numpy as np
import pytest
from mlopsproj_evaluation import Scores


def scores_with_mistakes(images, wrong=(), *, classes=2, first=0, probability=0.9):
    """Scores of images numbered from `first`, wrong for those whose numbers are in `wrong`."""
    numbers = np.arange(first, first + images)
    labels = numbers % classes
    predicted = np.where(np.isin(numbers, list(wrong)), (labels + 1) % classes, labels)
    probabilities = np.full((images, classes), (1 - probability) / (classes - 1), np.float32)
    probabilities[np.arange(images), predicted] = probability
    return Scores(tuple(f"{n:016x}{n:048x}" for n in numbers), labels, probabilities)


@pytest.fixture(scope="session")
def make_scores():
    return scores_with_mistakes
