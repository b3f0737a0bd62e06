"""The names of figures for people, and which of their values are better."""

from typing import TYPE_CHECKING, Literal

from ageui.compare.comparison import MAE
from ageui.present.figures import NUMBER_OF_TIMES, PERCENT, SIGNED_YEARS, SLOPE, YEARS, Unit
from engine.figure_forms import ATTRIBUTE_KINDS, OVERALL_FIGURES

if TYPE_CHECKING:
    from ageui.store import SplitScores

SELECTED = "these images chose the weights that are scored on them, so the scores are too good"
SIGNED_GAP = "mean gap between the groups' mean signed errors: one group guessed older than another"

_OVERALL = {
    MAE: ("MAE", "MAE"),
    "signed": ("signed", "mean signed error"),
    "cs5": ("CS@5", "share within five years"),
    "slope": ("slope", "slope of the signed error over age"),
}
_KINDS = {
    "signed": ("{} signed", "{} signed gap"),
    "gap": ("{} gap", "gap between the worst and the best {} group"),
    "ratio": ("{} ratio", "ratio of the worst to the best {} group"),
    "worst": ("{} worst", "MAE of the worst {} group"),
    "standardised": ("{} std.", "{} bias, standardised for age"),
}
_SHORT = {"gender": "gend.", "expression": "expr.", "ethnicity": "ethn."}
_UNITS = {"signed": SIGNED_YEARS, "cs5": PERCENT, "slope": SLOPE}


def figure_title(column: str) -> str:
    """The title of a column: `MAE`, the attribute of a bias, `gender signed`, or a group."""
    attribute, kind = attribute_and_kind(column)
    return _OVERALL[column][0] if column in _OVERALL else _KINDS[kind][0].format(attribute) if kind else column


def short_title(column: str) -> str:
    """The title of a narrow column: `gend.` for the bias of `gender`."""
    return _SHORT.get(column) or figure_title(column)


def figure_name(column: str) -> str:
    """The name of a figure in running text: `MAE`, `gender bias`, `gender signed gap`."""
    attribute, kind = attribute_and_kind(column)
    if column in _OVERALL:
        return _OVERALL[column][1]
    return _KINDS[kind][1].format(attribute) if kind else f"{column} bias"


def split_title(scores: "SplitScores") -> str:
    """`test`, or `valid (selected)` if the images chose the scored weights."""
    return f"{scores.split} (selected)" if scores.is_selected else scores.split


def figure_unit(column: str) -> Unit:
    """The unit of a figure."""
    return _UNITS.get(column, NUMBER_OF_TIMES if attribute_and_kind(column)[1] == "ratio" else YEARS)


def better(column: str) -> Literal["low", "high"] | None:
    """Whether low or high values are better; None if neither: a signed error is good near 0."""
    return "high" if column == "cs5" else None if column in OVERALL_FIGURES else "low"


def attribute_and_kind(column: str) -> tuple[str, str]:
    """`gender`, `signed` for `gender_signed`; the kind of a bias and of figures without an attribute is empty."""
    attribute, _, kind = column.rpartition("_")
    return (attribute, kind) if attribute and kind in ATTRIBUTE_KINDS else (column, "")
