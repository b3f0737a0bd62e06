"""The operations that derive runs from the predictions of other runs, by their stored names."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from engine.calibration import Isotonic, Stretch
from engine.cross_fit import Draws, Method, Parameters
from engine.ensemble import Blend
from engine.resampling import Floats

Operation = Literal["mean", "blend", "slope", "isotonic", "folds"]
"""A mean with given weights, a mean with fitted weights, a slope about the train mean, a rising function, and runs on
folds, whose predictions are averaged for new faces."""


@dataclass(frozen=True)
class Chain:
    """Applies a `second` method to the predictions of a `first` method. Both are fitted to the same images."""

    first: Method
    second: Method

    @property
    def is_fitted(self) -> bool:
        return self.first.is_fitted or self.second.is_fitted

    def fit(self, sources: Floats, ages: Floats, draws: Draws) -> Parameters:
        """Pairs of the parameters of both methods."""
        first = self.first.fit(sources, ages, draws)
        found = self.first.apply(first, sources)
        second = [self.second.fit(one[None], ages, drawn[None])[0] for one, drawn in zip(found, draws, strict=True)]
        return list(zip(first, second, strict=True))

    def apply(self, parameters: Parameters, sources: Floats) -> Floats:
        found = self.first.apply([first for first, _ in parameters], sources)
        pairs = zip(parameters, found, strict=True)
        return np.concatenate([self.second.apply([second], one[None]) for (_, second), one in pairs])


def method_of(operation: str, options: Mapping[str, Any]) -> Method:
    """The method behind a derived run.

    `options` are the `weights` of a mean, the `count` of folds, and a slope's `centre` (the train mean in years) and
    `slope`, if given.
    """
    match operation:
        case "mean":
            return Blend(tuple(options["weights"]))
        case "blend":
            return Blend()
        case "slope":
            return Stretch(options["centre"], options.get("slope"))
        case "isotonic":
            return Isotonic()
        case "folds":
            return Blend((1 / options["count"],) * options["count"])
    raise ValueError(f"unknown operation {operation!r}")


def fitted_method(operation: str, options: Mapping[str, Any]) -> Method:
    """The method to fit for a derived run, preceded by the blend if its source is a blend of `blended` runs.

    The weights of the blend are refitted, too, so that they carry no image's age into its own prediction.
    """
    method = method_of(operation, options)
    return Chain(Blend(), method) if "blended" in options else method
