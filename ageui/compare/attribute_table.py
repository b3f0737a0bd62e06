"""The groups of one attribute of one run, each against the best group, a chosen one, and all images."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ageui.compare.figure_names import split_title
from ageui.present.figures import COUNT, NUMBER_OF_TIMES, P_VALUE, SIGNED_YEARS, between, number
from ageui.present.table import Cell, Column, Table, figure_columns
from engine.gap_test import SMALLEST_GROUP

if TYPE_CHECKING:
    from ageui.store import SplitScores
    from engine.split_result import BiasResult, GapFigure


def one_attribute_table(scores: "SplitScores", bias: "BiasResult", against: str | None = None) -> Table:
    """A row per group: number of images, MAE, signed error, and difference and ratio to other groups.

    `against` is the group to compare with; by default the one with the lowest MAE.
    """
    known = [group for group in bias.groups if group.mae is not None]
    chosen = next((group for group in known if group.group == against), None)
    reference = chosen or min(known, key=lambda group: group.mae or 0.0, default=None)
    name = against or "best"
    titles = ("images", "MAE", "95%", "signed", f"− {name}", f"÷ {name}", "− all")
    rows = []
    for group in bias.groups:
        mae, base = group.mae, reference.mae if reference else None
        off = mae - base if mae is not None and base is not None else None
        rows.append(
            (
                Cell(text=group.group, note="few images" if group.n < SMALLEST_GROUP else ""),
                Cell(group.n, unit=COUNT),
                Cell(mae),
                Cell(text=between(group.interval)),
                Cell(group.signed, unit=SIGNED_YEARS),
                Cell(off, unit=SIGNED_YEARS),
                Cell(mae / base if mae is not None and base else None, unit=NUMBER_OF_TIMES),
                Cell(None if mae is None else mae - scores.result.mae, unit=SIGNED_YEARS),
            )
        )
    title = f"{bias.attribute} on {split_title(scores)}, in years"
    return Table((Column("group"), *figure_columns(*titles)), tuple(rows), title)


def attribute_sentences(bias: "BiasResult") -> Iterator[str]:
    """Sentences on all groups: the bias and the signed gap, each with its test."""
    yield f"{bias.attribute} bias {_sentence(bias)}"
    yield f"{bias.attribute} signed gap {_sentence(bias.signed_gap)}"


def _sentence(figure: "GapFigure") -> str:
    if figure.value is None:
        return f"undefined: {figure.reason}"
    said = [number(figure.value)]
    said += [f"95% {between(figure.interval)}"] if figure.interval else []
    if figure.p_value is not None:
        said.append(f"p {number(figure.p_value, P_VALUE)}{', cannot be told from none' if figure.inside_noise else ''}")
    said += [f"detectable from {number(figure.detectable)}"] if figure.detectable is not None else []
    said += [f"not tested: {figure.untested}"] if figure.untested else []
    return ", ".join(said)
