"""Logistic regression for a few columns: weighted, held back by a penalty, always the same answer.

Knows nothing of predictions.
"""

from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import expit

Array = npt.NDArray[np.float64]

PENALTY: Final = 1.0
"""Of the squared coefficients of standardised columns: as much as a normal prior of deviation 1."""


def fit_logistic(columns: Array, outcomes: npt.NDArray[np.bool_], weights: Array) -> Array:
    """The intercept and a coefficient for each column.

    Targets are (N₊ + 1) / (N₊ + 2) and 1 / (N₋ + 2) in place of 1 and 0, after Platt 1999: with
    them there is an answer also where all outcomes are alike.

    Args:
        columns: `(N, F)`, standardised.
        outcomes: `(N,)`.
        weights: `(N,)`, above 0; only their ratios count.

    Returns:
        `(1 + F,)`.
    """
    positive, negative = float(outcomes.sum()), float((~outcomes).sum())
    targets = np.where(outcomes, (positive + 1) / (positive + 2), 1 / (negative + 2))
    design = with_intercept(columns)
    shares = weights / weights.mean()
    penalty = np.full(design.shape[1], PENALTY)
    penalty[0] = 0

    def loss(coefficients: Array) -> tuple[float, Array]:
        scores = design @ coefficients
        # log(1 + exp(score)) - target * score, without overflow.
        costs = shares * (np.logaddexp(0, scores) - targets * scores)
        slope = design.T @ (shares * (expit(scores) - targets)) + penalty * coefficients
        return float(costs.sum() + 0.5 * penalty @ coefficients**2), slope

    start = np.zeros(design.shape[1])
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 500})
    return np.asarray(found.x)


def with_intercept(columns: Array) -> Array:
    """`(N, 1 + F)`: a column of ones before the others."""
    return np.column_stack([np.ones(len(columns)), columns])
