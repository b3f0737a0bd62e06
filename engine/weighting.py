"""Sample weights: how much each train image counts, so that small groups have an influence."""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
import pandas as pd

from engine.choices import AGE_EDGES, EFFECTIVE_BETA, LDS, LDS_KERNEL, LDS_SIGMA, Combine, Weighting
from engine.groups import crossed_codes, group_codes
from engine.resampling import Codes, Floats


def group_weights(codes: Codes, groups: int, scheme: Weighting = "inverse", beta: float = EFFECTIVE_BETA) -> Floats:
    """The weight of each group, with a mean of 1 over the images that have a value.

    Parameters
    ----------
    codes
        Group of each image, shape (N,); negative for an image in no group.
    groups
        Number of groups G.
    scheme
        `inverse` is the report's N / (G n_g), for N images in G non-empty groups. `sqrt-inverse` is
        proportional to 1 / √n_g. `effective` is proportional to (1 - β) / (1 - β^n_g), the inverse of the effective
        number of samples (Cui et al. 2019, arXiv 1901.05555).
    beta
        β of `effective`.

    Returns
    -------
    array
        Shape (groups,); 0 for an empty group.

    Examples
    --------
    >>> group_weights(np.array([0, 0, 0, 1]), 2).round(2).tolist()
    [0.67, 2.0]
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
    """The weight of each age by label distribution smoothing, with a mean of 1 over the images that have an age.

    Yang et al. 2021, "Delving into Deep Imbalanced Regression", ICML (arXiv 2102.09554), section 3.1: a symmetric
    kernel smooths the number of images in each year of age (half-open, from 0), and an image's weight is the inverse
    (or another `scheme`) of its year's smoothed number. The authors' code takes a root before smoothing, and their
    kernel comes from a filter that reflects at its ends, which makes it flatter.

    Parameters
    ----------
    ages
        Years, shape (N,); NaN if unknown.
    scheme, beta
        As in `group_weights`.
    kernel
        Width of the kernel in years, odd.
    sigma
        Standard deviation of the Gaussian kernel in years.

    Returns
    -------
    array
        Shape (N,); 1 for an unknown age.
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
    """The weight of each row of a data set.

    Parameters
    ----------
    frame
        Rows with an `age` in years and the columns of the attributes.
    attributes
        Attributes whose groups set the sample weights; `age` for age groups, `lds` for `lds_weights`. None gives ones.
    scheme, beta
        As in `group_weights`.
    combine
        How to combine the weights of several attributes: `product`, `mean` or `harmonic` mean, without rescaling, so
        the mean of a product may differ from 1. `joint` weights the crossed groups, such as `male, 20-40`.
    age_edges
        Edges of the age groups in years.
    lds_kernel, lds_sigma
        Kernel of `lds`, in years.

    Returns
    -------
    array
        Shape (N,); 1 for a row without a value.

    Raises
    ------
    ConfigError
        For an attribute that the data lacks.

    Examples
    --------
    >>> frame = pd.DataFrame({"age": [20.0, 30.0, 40.0, 50.0], "gender": ["male", "male", "male", "female"]})
    >>> sample_weights(frame, ["gender"]).round(2).tolist()
    [0.67, 0.67, 0.67, 2.0]
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
    age_edges: Sequence[float] = AGE_EDGES,
) -> dict[str, float]:
    """The weight of every group of an attribute, by name; 0 for an empty group.

    Parameters
    ----------
    frame, scheme, age_edges
        As in `sample_weights`.
    attribute
        A column, or `age` for age groups.

    Raises
    ------
    ConfigError
        For an attribute that the data lacks.
    """
    codes, names = group_codes(frame, attribute, age_edges)
    return dict(zip(names, group_weights(codes, len(names), scheme).tolist(), strict=True))


def _weights_by(codes: Codes, names: Sequence[str], scheme: Weighting, beta: float) -> Floats:
    # The code -1 of a missing value selects the additional entry at the end.
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
