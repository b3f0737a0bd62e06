"""Reads figures of epochs; those of other tools may be incomplete."""

import math
from collections.abc import Callable
from operator import attrgetter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ageui.store import Epoch


def figure_of_epoch(name: str) -> "Callable[[Epoch], float | None]":
    """A function that reads a field of an epoch, and gives None for an unknown one.

    An epoch that another tool measured has no duration; NaN then stands for a field that its table lacks, except in the
    validation figures, which are None if they are unknown.
    """
    read: Callable[[Epoch], float | None] = attrgetter(name)

    def figure(epoch: "Epoch") -> float | None:
        value = read(epoch)
        is_unknown = value is not None and math.isnan(value) and math.isnan(epoch.seconds)
        return None if is_unknown and not name.startswith("val_") else value

    return figure
