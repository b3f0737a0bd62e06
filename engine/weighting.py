"""Sample weights: how much each train image counts, so that small groups are heard."""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.choices import AGE_EDGES, Combine, Weighting
from engine.groups import group_codes

Floats = NDArray[np.float64]
EFFECTIVE_BETA: Final = 0.999


def group_weights(
    codes: NDArray[np.int64], groups: int, scheme: Weighting = "inverse", beta: float = EFFECTIVE_BETA
) -> Floats:
    """The weight of each group, shape (groups,); 0 for an empty one. Codes (N,) below 0 belong to no group.

    `inverse` is the report's N / (G n_g), with N images in G groups that have any. `effective` is proportional to
    (1 - β) / (1 - β^n_g), the inverse of the effective number of samples (Cui et al. 2019, arXiv 1901.05555). Both have
    a mean of 1 over the images that have a value.
    """
    counts = np.bincount(codes[codes >= 0], minlength=groups).astype(np.float64)
    filled = counts > 0
    weights = np.zeros(groups)
    if scheme == "inverse":
        weights[filled] = 1 / counts[filled]
    else:
        weights[filled] = (1 - beta) / -np.expm1(counts[filled] * np.log(beta))
    return weights * (counts.sum() / np.dot(weights, counts)) if filled.any() else weights


def sample_weights(
    frame: pd.DataFrame,
    attributes: Sequence[str],
    *,
    scheme: Weighting = "inverse",
    combine: Combine = "product",
    beta: float = EFFECTIVE_BETA,
    age_edges: Sequence[float] = AGE_EDGES,
) -> Floats:
    """The weight of each row of `frame`, shape (N,): that of its group, or 1 where it has no value.

    Weights by several attributes are combined as they are, with no rescaling after: a product's mean need not be 1. No
    attribute gives ones. Raises `ConfigError` for an attribute that the data lacks.
    """
    if not attributes:
        return np.ones(len(frame))
    return COMBINATIONS[combine](
        np.stack([_weights_by(frame, attribute, scheme, beta, age_edges) for attribute in attributes])
    )


def weight_table(
    frame: pd.DataFrame,
    attribute: str,
    *,
    scheme: Weighting = "inverse",
    beta: float = EFFECTIVE_BETA,
    age_edges: Sequence[float] = AGE_EDGES,
) -> dict[str, float]:
    """The weight of every group of an attribute, by name; 0 for an empty one."""
    codes, names = group_codes(frame, attribute, age_edges)
    return dict(zip(names, group_weights(codes, len(names), scheme, beta).tolist(), strict=True))


def _weights_by(
    frame: pd.DataFrame, attribute: str, scheme: Weighting, beta: float, age_edges: Sequence[float]
) -> Floats:
    codes, names = group_codes(frame, attribute, age_edges)
    # One more entry at the end, which the code -1 of a missing value picks.
    return np.append(group_weights(codes, len(names), scheme, beta), 1.0)[codes]


def _product(weights: Floats) -> Floats:
    return np.asarray(weights.prod(axis=0))


def _mean(weights: Floats) -> Floats:
    return np.asarray(weights.mean(axis=0))


def _harmonic(weights: Floats) -> Floats:
    return np.asarray(len(weights) / (1 / weights).sum(axis=0))


COMBINATIONS: Final[dict[Combine, Callable[[Floats], Floats]]] = {
    "product": _product,
    "mean": _mean,
    "harmonic": _harmonic,
}
