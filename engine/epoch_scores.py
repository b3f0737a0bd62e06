"""The scores of an epoch on the validation split: MAE, biases and group errors, without intervals and tests."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class GroupError:
    """The errors of one group: `mae` and `signed` (mean of predicted - age) in years; None if `n` is 0."""

    attribute: str
    group: str
    n: int
    mae: float | None
    signed: float | None


@dataclass(frozen=True)
class EpochScores:
    """The scores of the `n` labelled validation images after an epoch, in years.

    `bias` maps each attribute of the data, and `age`, to its bias; None if it is undefined because a group has no
    image. `groups` are in the order of the attributes and of their groups.
    """

    n: int
    mae: float
    bias: Mapping[str, float | None]
    groups: tuple[GroupError, ...]
