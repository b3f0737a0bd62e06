"""The figures of a run in lists of runs."""

from typing import TYPE_CHECKING

from ageui.present.table import DASH, Cell

if TYPE_CHECKING:
    from ageui.store import Summary


def mae_cell(summary: "Summary") -> Cell:
    """The MAE, marked if the constant predictor is as good."""
    mae, constant = summary.mae, summary.baseline_mae
    return DASH if mae is None else Cell(mae, no_better=constant is not None and not mae < constant)


def bias_cell(summary: "Summary", attribute: str) -> Cell:
    """The bias of one of the report's attributes, marked if it is inside noise."""
    value = summary.bias.get(attribute)
    return DASH if value is None else Cell(value, p_value=summary.p_value.get(attribute))
