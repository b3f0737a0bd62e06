"""Runs with all five figures, for the table of runs."""

from dataclasses import replace
from typing import Any

from store_rows import end, epoch, evaluated, running

from ageui.store import Store
from ageui.tui.runs.listing import ListReader, RunList, RunsQuery
from engine.choices import REPORT_ATTRIBUTES
from engine.split_result import Baseline

FIGURES = (6.0, 0.5, 1.25, 0.75, 4.5)
CONSTANT = Baseline(30.25, 11.5, {"gender": 2.0, "expression": 3.0, "ethnicity": 1.0, "age": 16.0})


def scored(
    store: Store,
    name: str,
    figures: tuple[float, ...] = FIGURES,
    *,
    split: str = "valid",
    selected_on: str | None = None,
    p_gender: float | None = 0.5,
    **changes: Any,
) -> int:
    """A done run with these figures: MAE and the report's biases. Only its gender bias is inside noise."""
    run_id, attempt = running(store, name, **changes)
    event = evaluated(split, figures[0], selected_on=selected_on)
    (bias,) = event.result.biases
    biases = tuple(
        replace(bias, attribute=attribute, value=value, p_value=p_gender if attribute == "gender" else 0.01)
        for attribute, value in zip(REPORT_ATTRIBUTES, figures[1:], strict=True)
    )
    result = replace(event.result, biases=biases, baseline=CONSTANT)
    with store.writing(run_id, attempt) as writer:
        writer.epoch(epoch(8))
        writer.evaluated(replace(event, result=result), "apparent", "synthetic")
    end(store, run_id, attempt)
    return run_id


def listed(store: Store, **query: Any) -> RunList:
    return ListReader().read(store, RunsQuery(**query))


def rows(found: RunList) -> list[tuple[str, tuple[int, ...]]]:
    """The kind of each row, and the runs behind it."""
    return [(entry.kind, entry.runs) for entry in found.entries]


def best(found: RunList) -> dict[int, list[str]]:
    """The columns in which the row of each run is best, by the first run of the row."""
    names = ("mae", *REPORT_ATTRIBUTES)
    return {
        entry.runs[0]: [name for place, name in enumerate(names) if found.is_best(entry, place)]
        for entry in found.entries
        if entry.kind in ("run", "fold")
    }
