"""The figures of all runs that were scored on the same images, from which seed variances are estimated."""

import json
import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from ageui.compare.comparison import MAE
from ageui.compare.seed_variance import SeedVariance, seed_variance
from engine.errors import ConfigError
from engine.figure_forms import figure_names
from engine.recipe import revision_of
from engine.split_result import SplitResult

if TYPE_CHECKING:
    from ageui.store.records import RunDetail
    from ageui.store.scores import ScoredConfig

    LoadScored = Callable[[str, str], Iterable[ScoredConfig]]

Figures = Mapping[str, float | None]


Across = Literal["arithmetic", "revision"]
"""The differences besides the seed that repetitions may have: the arithmetic and the recipe's revision."""

_NOT_SETTINGS = ("seed", "device", "precision")


def setting_key(
    config: Mapping[str, Any], manifest: Mapping[str, Any] | None = None, across: Collection[Across] = ()
) -> str:
    """Equal for runs that repeat each other: that differ only in their seed and device.

    Parameters
    ----------
    config
        The run's config.
    manifest
        Its manifest, which decides the facts that the config leaves open, such as the arithmetic and the initial
        weights. None for a run that did not start.
    across
        Further differences that repetitions may have.
    """
    known = {name: value for name, value in config.items() if name not in _NOT_SETTINGS}
    if manifest is not None:
        known |= {"init": sha256} if (sha256 := _weights(manifest)) is not None else {}
        known |= {"sources": derived} if (derived := manifest.get("derived")) is not None else {}
        known |= {name: value for name, value in resolved(manifest).items() if name not in across}
    return json.dumps(known, sort_keys=True, default=str)


def known_across(text: str | None) -> list[Across]:
    """The parts of a comma list. Raises `ConfigError` for an unknown one."""
    names = [name.strip() for name in text.split(",")] if text else []
    known: tuple[Across, ...] = get_args(Across)
    for name in names:
        if name not in known:
            raise ConfigError(f"--fold-across: unknown difference {name!r}; choose one of {', '.join(known)}")
    return [one for one in known if one in names]


def resolved(manifest: Mapping[str, Any]) -> dict[str, str | int | None]:
    """The facts that decide a run's figures besides its config."""
    return {"arithmetic": manifest.get("dtype"), "revision": revision_of(manifest)}


def arithmetic_of(config: Mapping[str, Any], manifest: Mapping[str, Any] | None) -> str | None:
    """The arithmetic of a run that started, else the one that its config asks for; None if it leaves that open."""
    asked = config.get("precision", "auto")
    found = (manifest or {}).get("dtype") or (asked if asked != "auto" else None)
    return None if found is None else str(found)


def settled_precisions(runs: "Sequence[RunDetail]") -> dict[int, dict[str, str]]:
    """The config field `precision` as each run was computed, by the run's id, so that `auto` does not differ from the
    arithmetic it settled to. A run that did not start has that of the others, if they agree."""
    known = {run.id: str(dtype) for run in runs if (dtype := (run.manifest or {}).get("dtype")) is not None}
    common = set(known.values())
    default = common.pop() if len(common) == 1 else "auto"
    found = {run.id: known.get(run.id, default) for run in runs if run.config.get("precision") == "auto"}
    return {run_id: {"precision": precision} for run_id, precision in found.items()}


def _weights(manifest: Mapping[str, Any]) -> str | None:
    """The hash of the file with the first weights; None if they did not come from a file."""
    sha256 = (manifest.get("weights") or {}).get("sha256")
    return None if sha256 is None else str(sha256)


def figures_of(result: SplitResult) -> Figures:
    """The figures of a result by the name of their column."""
    groups = {f"{bias.attribute} {group.group}": group.mae for bias in result.biases for group in bias.groups}
    names = [MAE, *figure_names([bias.attribute for bias in result.biases])]
    return {name: figure.value for name in names if (figure := result.figure(name)) is not None} | groups


def seed_variances(runs: Iterable[tuple[str, Figures]]) -> dict[str, SeedVariance]:
    """The seed variance of each figure over all settings with several runs.

    Parameters
    ----------
    runs
        The `setting_key` and the figures, in years, of each run; all on the same images.

    Examples
    --------
    >>> variances = seed_variances([("a", {"mae": 6.0}), ("a", {"mae": 6.2}), ("b", {"mae": 9.0})])
    >>> list(variances)
    ['mae']
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
