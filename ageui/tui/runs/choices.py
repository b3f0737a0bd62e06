"""The choices for sorting and grouping the table of runs."""

from collections.abc import Iterator, Sequence

from ageui.compare.figure_names import figure_name
from ageui.store.filter_fields import filter_fields
from ageui.tui.dialogs.prompts import Answer
from ageui.tui.runs.columns import COLUMNS
from ageui.tui.runs.entries import FIGURES, STD
from engine.config import RunConfig


def order_answers(shown: Sequence[str], *, folded: bool) -> Iterator[Answer]:
    """The visible columns, deviations over seeds, all other columns, then all other fields."""
    named: dict[str, Answer] = {}
    for column in (*map(COLUMNS.__getitem__, shown), *COLUMNS.values()):
        if column.order is not None:
            named.setdefault(column.order, Answer(column.order, column.title, column.what))
    named |= {name: Answer(name, figure_name(name), "years") for name in FIGURES}
    deviations = {
        f"{name}{STD}": Answer(f"{name}{STD}", f"std of {figure_name(name)}", "standard deviation over seeds")
        for name in FIGURES
    }
    fields = {name: Answer(name, name, field.what) for name, field in filter_fields().items() if field.kind != "tags"}
    seen: set[str] = set()
    first = [order for name in shown if (order := COLUMNS[name].order) is not None]
    for order in (*first, *(deviations if folded else ()), *named, *fields):
        if order not in seen and not order.endswith("_bias"):
            seen.add(order)
            yield named.get(order) or deviations.get(order) or fields[order]


def group_answers(varying: Sequence[str]) -> Iterator[Answer]:
    """The config fields, varying fields first; an empty key stands for no groups."""
    yield Answer("", "no groups")
    for name in dict.fromkeys((*varying, *RunConfig.model_fields)):
        hint = RunConfig.model_fields[name].description or ""
        yield Answer(name, name, hint if name in varying else f"the same for all runs; {hint}")
