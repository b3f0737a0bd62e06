"""A study of four cells, its runs, and the screen and form that show them."""

from typing import Any

from pilot import press, settled, table_rows, until
from store_rows import claimed, epoch, evaluated
from textual.pilot import Pilot
from textual.widgets import Input, Static

from ageui.store import Store
from ageui.study import Choice, Study
from ageui.study.variants import cell_config
from ageui.tui.app import AgeUIApp
from ageui.tui.studies.screen import StudiesScreen
from ageui.tui.studies.study_runs import StudyRunsScreen
from ageui.tui.studies.study_screen import StudyScreen
from ageui.tui.widgets.field_row import FieldRow
from ageui.tui.widgets.paged_table import PagedTable
from engine.config import build_config
from engine.data.spec import BUILT_IN, DataSpec
from engine.events import Evaluated

QUICK = Choice("quick", "synthetic")
LOSSES = """
title = "[b]Losses[/] two"
shows = "Two losses at two batch sizes."
measures = "scores"
notes = ["A note [/] on it."]

[base]
data = "synthetic"

[grid]
loss = ["mse", "mape"]
batch = [8, 16]

[published]
mse-8 = { mae = 7.5, gender = 0.25 }
mse-16 = { mae = 6.5, gender = 0.75 }
mape-8 = { mae = 5.5 }
"""


def settings(study: Study, cell: str, choice: Choice = QUICK, **changes: Any) -> dict[str, Any]:
    found = next(one for one in study.cells if one.name == cell)
    config = cell_config(study, found, choice, registered=(), cuda_available=lambda: False)
    return {**config.model_dump(), **changes}


def trained(
    store: Store,
    study: Study,
    cell: str,
    mae: float = 6.0,
    split: str = "test",
    data_spec: DataSpec = BUILT_IN,
    scored: Evaluated | None = None,
    choice: Choice = QUICK,
    **changes: Any,
) -> int:
    run_id = store.runs.add(build_config(settings(study, cell, choice, **changes)), data_spec, name=None)
    attempt = claimed(store, run_id)
    assert attempt is not None
    with store.writing(run_id, attempt) as writer:
        writer.epoch(epoch(1))
        writer.evaluated(scored or evaluated(split, mae), "apparent", "synthetic")
        writer.end("done", "")
    return run_id


async def listed(app: AgeUIApp, pilot: "Pilot[Any]") -> StudiesScreen:
    await press(pilot, "G")
    screen = app.screen
    assert isinstance(screen, StudiesScreen)
    return screen


async def opened(app: AgeUIApp, pilot: "Pilot[Any]") -> StudyScreen:
    """The screen of the first study."""
    await listed(app, pilot)
    await press(pilot, "enter")
    screen = app.screen
    assert isinstance(screen, StudyScreen)
    return screen


def row(app: AgeUIApp, cell: str) -> dict[str, str]:
    """The texts of a row by column: `n`, `mae measured`, `mae published`, `plot` …"""
    table = app.screen.query_one(PagedTable)
    texts = next(found for found in table_rows(app) if found[0].strip() == cell)
    return {column.key: text.strip() for column, text in zip(table._columns, texts, strict=True)}


def said(app: AgeUIApp, part: str) -> str:
    return str(app.screen.query_one(part, Static).content)


async def form(app: AgeUIApp, pilot: "Pilot[Any]", **texts: str) -> StudyRunsScreen:
    await press(pilot, "r")
    screen = app.screen
    assert isinstance(screen, StudyRunsScreen)
    await settled(pilot)
    for name, text in texts.items():
        screen.query_one(f"#row-{name} Input", Input).value = text
    asked = {row.field: row.text for row in screen.query(FieldRow) if row.text}
    await until(pilot, lambda: screen._checked is not None and screen._checked.entered.texts == asked, "it was checked")
    await settled(pilot)
    return screen
