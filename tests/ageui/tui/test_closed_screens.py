"""What closed screens leave behind in memory: nothing. Megabytes are measured by tests/benchmarks/app_memory.py."""

import gc
from collections import Counter
from typing import Any

import pytest
from pilot import done, press, settled, use
from textual._styles_cache import StylesCache
from textual.dom import DOMNode
from textual.pilot import Pilot

from ageui.store import Store
from ageui.study import Study
from ageui.tui.app import AgeUIApp

pytestmark = [pytest.mark.app, pytest.mark.usefixtures("study", "no_workers")]

WIDGETS = (DOMNode, StylesCache)
VISITS: tuple[tuple[str, ...], ...] = (
    ("enter",),
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
        async def visit_all() -> tuple[int, Counter[str]]:
            """The objects that live after a visit of every screen, and how many of each kind of widget."""
            for keys in VISITS:
                await press(pilot, *keys)
                assert len(app.screen_stack) > 1, keys
                while len(app.screen_stack) > 1:
                    app.pop_screen()
                await settled(pilot)
            gc.collect()
            objects = gc.get_objects()
            return len(objects), Counter(type(one).__name__ for one in objects if isinstance(one, WIDGETS))

        before, widgets_before = await visit_all()
        after, widgets_after = await visit_all()
        assert not widgets_after - widgets_before
        assert after - before < FEW * before

    use(store, scenario, size=(80, 24))
