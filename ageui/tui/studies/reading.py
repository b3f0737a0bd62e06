"""Reads the tables of studies, and keeps tables that cannot have changed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ageui.planning.expected_time import time_sentence
from ageui.store import Store
from ageui.study import (
    NO_CHOICE,
    Choice,
    NormalizedRun,
    Study,
    StudyTable,
    Variant,
    find_remaining,
    normalized_runs,
    study_table,
)
from ageui.study.queueing import chosen_here
from ageui.text.sentences import counted
from ageui.tui.studies.cell_rows import Progress
from engine.errors import AgeUIError


@dataclass(frozen=True)
class StudyView:
    """The view of a study: the runs of a choice or variant, and the scores on a split."""

    choice: Choice | None = None
    variant: Variant | None = None
    split: str | None = None


@dataclass(frozen=True)
class StudyTables:
    """The tables of studies in the requested order, and the progress of their runs.

    `are_rescored` says whether all results have their intervals and tests.
    """

    asked: Sequence[tuple[Study, StudyView]]
    tables: tuple[StudyTable, ...]
    progress: Progress
    are_rescored: bool


def read_tables(
    store: Store,
    asked: Sequence[tuple[Study, StudyView]],
    before: StudyTables | None,
    check_open: Callable[[], None],
) -> StudyTables:
    """Reads tables again, which reads all configs, if a run or its status changed, or all results were scored again
    since `before`. `check_open` is called between tables, and may raise."""
    statuses, are_rescored = store.scores.measured_statuses(), not store.rescoring.remaining()
    is_same = before is not None and (before.progress.statuses, before.are_rescored) == (statuses, are_rescored)
    kept = list(zip(before.asked, before.tables, strict=True)) if before is not None and is_same else []
    runs: Sequence[NormalizedRun] | None = None
    tables = []
    for study, view in asked:
        known = next((table for one, table in kept if one == (study, view)), None)
        if known is None:
            check_open()
            runs = normalized_runs(store) if runs is None else runs
            choice = view.choice or NO_CHOICE
            known = study_table(study, store, choice, variant=view.variant, split=view.split, runs=runs)
        tables.append(named(known))
    return StudyTables(tuple(asked), tuple(tables), Progress(statuses, _fractions(store, statuses)), are_rescored)


def named(table: StudyTable) -> StudyTable:
    """The table with its variant's name already looked up, so that no screen waits for it."""
    table.variant_name  # noqa: B018
    return table


def next_step(store: Store, table: StudyTable) -> str:
    """A sentence about the runs that r queues for a study without runs, and their time; empty for other studies."""
    if table.variant is not None:
        return ""
    try:
        runs = find_remaining(table.study, store, chosen_here(store, table.study, NO_CHOICE).choice).new
    except AgeUIError as error:
        return str(error)
    first = runs[0].config if runs else None
    on = f" on {first.data} at {first.size} px" if first is not None else ""
    return f"r queues {counted(len(runs), 'run')}{on} · {time_sentence(store, runs)}"


def _fractions(store: Store, statuses: Mapping[int, str]) -> dict[int, float]:
    running = [run_id for run_id, status in statuses.items() if status == "running"]
    summaries = [(run_id, store.runs.get(run_id).summary) for run_id in running]
    return {run_id: (one.step or 0) / one.total_steps for run_id, one in summaries if one.total_steps}
