"""The figures of all runs that were scored on the same images, from which seed variances are estimated."""

import json
import math
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ageui.compare.comparison import MAE
from ageui.compare.seed_variance import SeedVariance, seed_variance
from engine.fairness import SplitResult

if TYPE_CHECKING:
    from ageui.store.scores import ScoredConfig

    LoadScored = Callable[[str, str], Iterable[ScoredConfig]]

Figures = Mapping[str, float | None]


def setting_key(config: Mapping[str, Any]) -> str:
    """Equal for configs that differ in nothing but their seed."""
    return json.dumps({name: value for name, value in config.items() if name != "seed"}, sort_keys=True, default=str)


def figures_of(result: SplitResult) -> Figures:
    """The figures of a result by the name of their column."""
    groups = {f"{bias.attribute} {group.group}": group.mae for bias in result.biases for group in bias.groups}
    return {MAE: result.mae, **{bias.attribute: bias.value for bias in result.biases}, **groups}


def seed_variances(runs: Iterable[tuple[str, Figures]]) -> dict[str, SeedVariance]:
    """The seed variance of each figure over all settings with several runs.

    Parameters
    ----------
    runs
        The `setting_key` and the figures, in years, of each run; all on the same images.

    Examples
    --------
    >>> variances = seed_variances([("a", {"mae": 6.0}), ("a", {"mae": 6.2}), ("b", {"mae": 9.0})])
    >>> round(variances["mae"].variance, 3)
    0.02
    """
    by_figure: dict[str, dict[str, list[float]]] = {}
    for setting, figures in runs:
        for name, value in figures.items():
            if value is not None and math.isfinite(value):
                by_figure.setdefault(name, {}).setdefault(setting, []).append(value)
    found = {}
    for name, by_setting in by_figure.items():
        repeated = [values for values in by_setting.values() if len(values) > 1]
        variances = [float(np.var(values, ddof=1)) for values in repeated]
        if (common := seed_variance(variances, [len(values) - 1 for values in repeated])) is not None:
            found[name] = common
    return found
