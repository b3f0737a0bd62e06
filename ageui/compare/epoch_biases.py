"""The biases on the validation split that were measured after epochs."""

from collections.abc import Sequence

from ageui.store import Epoch
from engine.choices import REPORT_ATTRIBUTES


def scored_attributes(history: Sequence[Epoch]) -> list[str]:
    """The attributes whose biases epochs have, the report's first."""
    found = dict.fromkeys(attribute for epoch in history if epoch.scores for attribute in epoch.scores.bias)
    return [*(name for name in REPORT_ATTRIBUTES if name in found), *(n for n in found if n not in REPORT_ATTRIBUTES)]


def bias_of(attribute: str, epoch: Epoch) -> float | None:
    """The validation bias of an attribute after an epoch; None if the epoch is not scored, or the bias undefined."""
    return epoch.scores.bias.get(attribute) if epoch.scores is not None else None
