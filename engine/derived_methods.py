"""The operations that make runs from the predictions of other runs, by the names under which they are stored."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from engine.calibration import Isotonic, Stretch
from engine.cross_fit import Draws, Method, Parameters
from engine.ensemble import Blend
from engine.resampling import Floats

Operation = Literal["mean", "blend", "slope", "isotonic", "folds"]
"""A mean with given weights, one with fitted weights, a slope about the train mean, a rising function, and runs
on folds, which are averaged for new faces."""


@dataclass(frozen=True)
class Chain:
    """Applies a `second` method to the predictions of a `first` one. Both are fitted to the same images."""

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

    `options` are `weights` of a mean, the `count` of folds, and of a slope the train mean as `centre` in years, and
    `slope` if it is given.
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
    """What is fitted for a derived run: its method and, if its source is a blend of `blended` runs, that blend first.

    The weights of the blend are fitted along, so that an image's age takes no part in its prediction through them.
    """
    method = method_of(operation, options)
    return Chain(Blend(), method) if "blended" in options else method
