"""Sample weights: how much each train image counts, so that small groups are heard."""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.choices import AGE_EDGES, EFFECTIVE_BETA, LDS, LDS_KERNEL, LDS_SIGMA, Combine, Weighting
from engine.groups import crossed_codes, group_codes

Floats = NDArray[np.float64]


def group_weights(
    codes: NDArray[np.int64], groups: int, scheme: Weighting = "inverse", beta: float = EFFECTIVE_BETA
) -> Floats:
    """The weight of each group, shape (groups,); 0 for an empty one. Codes (N,) below 0 belong to no group.

    `inverse` is the report's N / (G n_g), with N images in G groups that have any; `sqrt-inverse` is proportional to
    1 / √n_g. `effective` is proportional to (1 - β) / (1 - β^n_g), the inverse of the effective number of samples (Cui
    et al. 2019, arXiv 1901.05555). All have a mean of 1 over the images that have a value.
    """
    counts = np.bincount(codes[codes >= 0], minlength=groups).astype(np.float64)
    filled = counts > 0
    weights = np.zeros(groups)
    weights[filled] = SCHEMES[scheme](counts[filled], beta)
    return weights * (counts.sum() / np.dot(weights, counts)) if filled.any() else weights


def lds_weights(
    ages: Floats,
    scheme: Weighting = "inverse",
    *,
    kernel: int = LDS_KERNEL,
    sigma: float = LDS_SIGMA,
    beta: float = EFFECTIVE_BETA,
) -> Floats:
    """The weight of each age, shape (N,), by label distribution smoothing; 1 where it is NaN.

    Yang et al. 2021, "Delving into Deep Imbalanced Regression", ICML (arXiv 2102.09554), section 3.1: the number of
    images in each year of age (half-open, from 0) is smoothed by a symmetric kernel, and an image is weighed by the
    inverse (or another `scheme`) of what its year then has. The kernel is a Gaussian of `sigma` years over `kernel`
    years, of sum 1. The mean is 1 over the images that have an age. The authors' code takes a root before it smooths,
    and their kernel comes from a filter that reflects at its ends, which makes it flatter.
    """
    weights = np.ones(len(ages))
    known = ~np.isnan(ages)
    if not known.any():
        return weights
    years = np.floor(ages[known]).astype(np.int64)
    distances = np.arange(kernel) - kernel // 2
    shape = np.exp(-(distances**2) / (2 * sigma**2))
    counts = np.bincount(years, minlength=kernel).astype(np.float64)
    smoothed = np.convolve(counts, shape / shape.sum(), mode="same")
    weights[known] = SCHEMES[scheme](smoothed[years], beta)
    weights[known] /= weights[known].mean()
    return weights


def sample_weights(
    frame: pd.DataFrame,
    attributes: Sequence[str],
    *,
    scheme: Weighting = "inverse",
    combine: Combine = "product",
    beta: float = EFFECTIVE_BETA,
    age_edges: Sequence[float] = AGE_EDGES,
    lds_kernel: int = LDS_KERNEL,
    lds_sigma: float = LDS_SIGMA,
) -> Floats:
    """The weight of each row of `frame`, shape (N,): that of its group, or 1 where it has no value.

    `lds` among the attributes are the weights of `lds_weights`. Weights by several attributes are combined as they are,
    with no rescaling after: a product's mean need not be 1. `joint` crosses the attributes instead, and weighs each
    group of `male, 20-40` by how many it has. No attribute gives ones. Raises `ConfigError` for an attribute that the
    data lacks.
    """
    if not attributes:
        return np.ones(len(frame))
    if combine == "joint":
        return _weights_by(*crossed_codes(frame, attributes, age_edges), scheme, beta)
    by_attribute = [
        lds_weights(frame["age"].to_numpy(dtype=np.float64), scheme, kernel=lds_kernel, sigma=lds_sigma, beta=beta)
        if attribute == LDS
        else _weights_by(*group_codes(frame, attribute, age_edges), scheme, beta)
        for attribute in attributes
    ]
    return COMBINATIONS[combine](np.stack(by_attribute))


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


def _weights_by(codes: NDArray[np.int64], names: Sequence[str], scheme: Weighting, beta: float) -> Floats:
    # One more entry at the end, which the code -1 of a missing value picks.
    return np.append(group_weights(codes, len(names), scheme, beta), 1.0)[codes]


SCHEMES: Final[dict[Weighting, Callable[[Floats, float], Floats]]] = {
    "inverse": lambda counts, beta: 1 / counts,
    "sqrt-inverse": lambda counts, beta: 1 / np.sqrt(counts),
    "effective": lambda counts, beta: np.asarray((1 - beta) / -np.expm1(counts * np.log(beta))),
}
"""Weights of an image in groups of `counts` images, up to a factor; beta is that of the effective number."""

COMBINATIONS: Final[dict[str, Callable[[Floats], Floats]]] = {
    "product": lambda weights: np.asarray(weights.prod(axis=0)),
    "mean": lambda weights: np.asarray(weights.mean(axis=0)),
    "harmonic": lambda weights: np.asarray(len(weights) / (1 / weights).sum(axis=0)),
}
"""Weights by several attributes (A, N) as one weight for each image (N,)."""
