"""Selected runs that the filter hides: they stay selected, are counted, and no key changes them."""

from typing import Any

import pytest
from pilot import messages, press, screen_text, until, use
from store_rows import queued
from textual.pilot import Pilot

from ageui.store import Store
from ageui.tui.app import AgeUIApp
from ageui.tui.compare.screen import CompareScreen
from ageui.tui.prefs import Prefs
from ageui.tui.widgets.paged_table import PagedTable

pytestmark = pytest.mark.app


def test_hidden_runs_stay_selected_and_are_compared_but_not_changed(store: Store) -> None:
    for name in ("one", "two", "three"):
        queued(store, name)

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        table = app.screen.query_one(PagedTable)
        await press(pilot, "space", "space", "slash", *"two", "enter")
        assert table.selected == {1, 2}
        assert "2 selected, 1 of them hidden by the filter" in screen_text(app)
        await press(pilot, "x")
        assert messages(app)[-2:] == [
            "1 selected run left out, hidden by the filter; esc deselects all",
            "run 2 cancelled; u undoes it",
        ]
        assert [row.status for row in store.runs.search(order="id")] == ["queued", "cancelled", "queued"]
        await press(pilot, "z")
        assert table.selected == {1}, "what was archived is no longer selected"
        await press(pilot, "slash", "ctrl+u", *"three", "enter", "p", "g")
        assert app.screen.query_one(PagedTable) is table, "no prompt for runs that are out of sight"
        assert store.runs.get(1).status == store.runs.get(3).status == "queued"
        await press(pilot, "ctrl+a")
        assert table.selected == {1, 3}
        await press(pilot, "c")
        await until(pilot, lambda: isinstance(app.screen, CompareScreen))
        await press(pilot, "escape", "ctrl+a", "escape")
        assert table.selected == frozenset()
        await press(pilot, "escape")
        assert "2 runs" in screen_text(app)

    use(store, scenario, prefs=Prefs())
