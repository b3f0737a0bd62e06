"""The operations that make runs from the predictions of other runs, by the names under which they are stored."""

from collections.abc import Mapping
from typing import Any, Literal

from engine.calibration import Isotonic, Stretch
from engine.cross_fit import Method
from engine.ensemble import Blend

Operation = Literal["mean", "blend", "slope", "isotonic", "folds"]
"""A mean with given weights, one with fitted weights, a slope about the train mean, a rising function, and runs
on folds, which are averaged for new faces."""


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
