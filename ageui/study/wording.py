"""A study in words: its measured variant, and the progress of its cells."""

from collections.abc import Sequence

from ageui.compare import figure_names
from ageui.study.matching import FURTHEST_FIRST
from ageui.study.measured_cells import CellRow, StudyTable
from ageui.study.variants import describe
from ageui.text.sentences import counted

_VAL_LOSS = "val loss"
_WAITING_STATES = tuple(state for state in FURTHEST_FIRST if state not in ("done", "diverged"))


def figure_title(name: str) -> str:
    """The title of a figure's column: `MAE` for `mae`; attributes keep their names."""
    return _VAL_LOSS if name == "val_loss" else figure_names.figure_title(name)


def short_title(name: str) -> str:
    """The title of a narrow column: `gend.` for `gender`."""
    return {"val_loss": _VAL_LOSS, "minutes": "min."}.get(name) or figure_names.short_title(name)


def headline(table: StudyTable) -> str:
    """`measured on appa-real · resnet50 · … · seeds 0–4 · test split`, or that nothing was measured."""
    return " · ".join(filter(None, (trained_on(table), split_text(table))))


def trained_on(table: StudyTable) -> str:
    """`measured on appa-real · resnet50 · … · seeds 0–4`, or that nothing was measured."""
    if table.variant is None:
        return "not measured with these settings yet" if table.others else "not measured yet"
    begun = "measured" if table.measured_cells else "begun"
    about = describe(table.study, table.variant, table.variants)
    return f"{begun} on {about} · {seeds_text(table.seeds)}"


def split_text(table: StudyTable) -> str:
    """`test split`, `valid (selected) split`; empty without scores."""
    if table.split is None or table.variant is None:
        return ""
    return f"{table.split}{' (selected)' if table.is_selected else ''} split"


def progress_text(row: CellRow) -> str:
    """`2 running, 1 queued`, `1 diverged without scores`; empty if all runs of the cell ended with figures."""
    said = [f"{row.progress[state]} {state}" for state in _WAITING_STATES if row.progress.get(state)]
    return ", ".join([f"{row.unscored} diverged without scores", *said] if row.unscored else said)


def seeds_text(seeds: Sequence[int]) -> str:
    """`seed 0`, `seeds 0–4`, `seeds 0, 3`."""
    if len(seeds) == 1:
        return f"seed {seeds[0]}"
    if list(seeds) == list(range(seeds[0], seeds[-1] + 1)):
        return f"seeds {seeds[0]}–{seeds[-1]}"
    return f"seeds {', '.join(map(str, seeds))}"


def others_text(table: StudyTable) -> list[str]:
    """A line for each other variant with runs."""
    return [
        f"{describe(table.study, variant, table.variants)}: {counted(cells, 'cell')}" for variant, cells in table.others
    ]
