"""What closed screens leave behind in memory: nothing. Megabytes are measured by tests/benchmarks/app_memory.py."""

import gc
import threading
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from pilot import done, press, settled, until, use
from textual._styles_cache import StylesCache
from textual.dom import DOMNode
from textual.pilot import Pilot

from ageui.store import Store
from ageui.study import Study, StudyTable, study_table
from ageui.tui.app import AgeUIApp
from ageui.tui.studies.screen import StudiesScreen, StudiesSnapshot

pytestmark = [pytest.mark.app, pytest.mark.usefixtures("study", "no_workers")]

WIDGETS = (DOMNode, StylesCache)
VISITS: tuple[tuple[str, ...], ...] = (
    ("enter", "6", "7", "3"),
    ("c", "escape"),
    ("n",),
    ("G", "r"),
    ("D",),
    ("question_mark",),
    ("s",),
)
"""Keys that open the screens and dialogs from the table of runs."""
FEW = 0.05
"""The share by which objects may grow, mostly in caches of a fixed size; closed screens would be a half."""


def test_closed_screens_leave_nothing_behind(store: Store, study: Study) -> None:
    for number in range(2):
        done(store, f"run-{number}")

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        async def visit_all() -> None:
            for keys in VISITS:
                await press(pilot, *keys)
                assert len(app.screen_stack) > 1, keys
                while len(app.screen_stack) > 1:
                    app.pop_screen()
                await settled(pilot)

        await visit_all()
        # a stopped timer holds its widget until its time has come, as that of the help's blinking cursor
        await until(pilot, lambda: not _living()[1]["Input"], "the input of the help is gone")
        before, widgets_before = _living()
        await visit_all()
        await until(pilot, lambda: not _living()[1] - widgets_before, "no widget of a closed screen is left")
        assert _living()[0] - before < FEW * before

    use(store, scenario, size=(80, 24))


def _living() -> tuple[int, Counter[str]]:
    """How many objects live, and how many of each kind of widget."""
    gc.collect()
    objects = gc.get_objects()
    return len(objects), Counter(type(one).__name__ for one in objects if isinstance(one, WIDGETS))


def test_a_long_read_ends_with_its_screen(store: Store, study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    may_go_on = threading.Event()
    read: list[str] = []
    ended = threading.Event()
    real = StudiesScreen.read

    def slow(*arguments: Any, **options: Any) -> StudyTable:
        read.append(study.name)
        assert may_go_on.wait(30)
        return study_table(*arguments, **options)

    def watched(self: StudiesScreen, store: Store) -> StudiesSnapshot:
        try:
            return real(self, store)
        finally:
            ended.set()

    monkeypatch.setattr("ageui.tui.studies.screen.studies", lambda: [study, replace(study, name="other")])
    monkeypatch.setattr("ageui.tui.studies.reading.study_table", slow)
    monkeypatch.setattr(StudiesScreen, "read", watched)

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await pilot.press("G")
        screen = app.screen
        await until(pilot, lambda: bool(read), "the first study is read")
        await pilot.press("escape")
        await until(pilot, lambda: not screen.is_running, "the screen is closed")
        may_go_on.set()
        await until(pilot, ended.is_set, "the read ends")
        assert read == ["mine"]

    use(store, scenario)
