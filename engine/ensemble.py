"""Weighted means of the predictions of several runs. NumPy only."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.cross_fit import Draws, Parameters
from engine.resampling import Floats


@dataclass(frozen=True)
class Blend:
    """The mean of S predictions with given `weights`, or with fitted weights if these are None.

    Fitted weights are non-negative, sum to 1 and minimise the squared error (Breiman, Stacked regressions, 1996).
    """

    weights: Sequence[float] | None = None

    @property
    def is_fitted(self) -> bool:
        return self.weights is None

    def fit(self, sources: Floats, ages: Floats, draws: Draws) -> Parameters:
        """Weights (R, S)."""
        if self.weights is not None:
            return np.tile(np.asarray(self.weights, dtype=np.float64), (len(draws), 1))
        errors = sources - ages
        products = (errors[:, None] * errors).reshape(-1, len(ages))
        return np.stack([_least(one.reshape(len(sources), -1)) for one in draws @ products.T])

    def apply(self, parameters: Parameters, sources: Floats) -> Floats:
        return np.asarray(parameters) @ sources


def _least(products: Floats) -> Floats:
    """The non-negative weights w (S,) with sum 1 that minimise w P w, for summed products of errors P (S, S).

    With w = x / sum(x), the minimum of x P x + (1 - sum(x))^2 over non-negative x has the same w, whatever its sum.
    """
    from scipy.optimize import nnls  # takes a quarter of a second, which few commands need

    scale = np.trace(products)
    if not scale > 0:
        return np.full(len(products), 1 / len(products))
    values, vectors = np.linalg.eigh(products / scale)
    root = np.sqrt(np.maximum(values, 0))[:, None] * vectors.T
    found, _ = nnls(np.vstack([root, np.ones(len(products))]), np.eye(len(products) + 1)[-1])
    return np.asarray(found / found.sum())
