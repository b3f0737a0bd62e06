"""The run under the cursor beside the table, from 160 columns on."""

from typing import Any

import pytest
from pilot import HOSTILE, done, messages, press, screen_text, settled, until, use
from store_rows import end, queued, running
from textual.pilot import Pilot

from ageui.store import Store
from ageui.tui.app import AgeUIApp
from ageui.tui.prefs import Prefs
from ageui.tui.runs.preview import RunPreview
from ageui.tui.widgets.paged_table import PagedTable

pytestmark = pytest.mark.app
WIDE = (160, 45)


def preview(app: AgeUIApp) -> RunPreview:
    return app.screen.query_one(RunPreview)


def beside(app: AgeUIApp) -> str:
    """What is right of the table."""
    left = preview(app).region.x
    return "\n".join(line[left:] for line in screen_text(app).splitlines())


def test_the_preview_shows_the_run_under_the_cursor_and_follows_it(store: Store) -> None:
    end(store, *running(store, "broken"), "failed", "no such file")
    store.edits.set_note(1, "look here")
    done(store, "finished", loss="mape")

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await until(pilot, lambda: "✗ failed" in beside(app) or "✓ done" in beside(app))
        shown = {}
        for _ in range(2):
            name = app.screen.current().name
            await until(pilot, lambda name=name: name in beside(app))
            shown[name] = beside(app)
            await press(pilot, "down")
        await press(pilot, "home")
        assert "no such file" in shown["broken"]
        assert "note  look here" in shown["broken"]
        for part in ("mape", "MAE 6.00", "gender 0.50", "validation MAE", "worst", "male", "├"):
            assert part in shown["finished"], part
        store.edits.set_note(2, "changed")
        await until(pilot, lambda: "note  changed" in beside(app), "a commit is shown")

    use(store, scenario, size=WIDE, prefs=Prefs())


def test_the_preview_needs_room_and_v_toggles_it_for_good(store: Store) -> None:
    done(store, "finished")

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        table = app.screen.query_one(PagedTable)
        assert not preview(app).display
        await press(pilot, "v")
        assert "needs 160 columns; this terminal has 159" in messages(app)[-1]
        await pilot.resize_terminal(160, 45)
        await settled(pilot)
        assert preview(app).display
        await until(pilot, lambda: "finished" in beside(app))
        assert table.size.width < 110
        await press(pilot, "v")
        assert not preview(app).display
        assert table.size.width == 160
        await press(pilot, "v")
        await pilot.resize_terminal(159, 45)
        await settled(pilot)
        assert table.size.width == 159
        await pilot.resize_terminal(200, 60)
        await settled(pilot)
        await press(pilot, "v")
        assert app.focused is table

    use(store, scenario, size=(159, 45), prefs=Prefs())
    assert not Prefs.load().preview


def test_tab_scrolls_a_preview_that_is_too_long_and_keeps_the_focus(store: Store) -> None:
    done(store, "finished")

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await until(pilot, lambda: preview(app).max_scroll_y > 0)
        await press(pilot, "tab")
        assert preview(app).scroll_offset.y > 0
        assert app.focused is app.screen.query_one(PagedTable)
        while preview(app).scroll_offset.y < preview(app).max_scroll_y:
            await press(pilot, "tab")
        await press(pilot, "tab")
        assert preview(app).scroll_offset.y == 0

    use(store, scenario, size=(160, 20), prefs=Prefs())


def test_hostile_names_and_runs_that_go_away_do_no_harm(store: Store) -> None:
    for name in HOSTILE:
        end(store, *running(store, name), "failed", f"{name}\x1b[2J")
    queued(store, "waiting")

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        for _ in range(len(HOSTILE) + 1):
            row = app.screen.current()
            await until(pilot, lambda row=row: row.name[:8] in beside(app), row.name)
            await press(pilot, "down")
        run_id = app.screen.current().id
        store.edits.archive([run_id])
        await until(pilot, lambda: app.screen.current() is not None and app.screen.current().id != run_id)
        await press(pilot, "slash", *"no-such", "enter")
        assert not preview(app).display

    use(store, scenario, size=WIDE, prefs=Prefs())


def test_missing_scores_are_explained_once(store: Store) -> None:
    running(store, "going")

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await until(pilot, lambda: "no scores yet" in beside(app))
        assert beside(app).count("no scores yet") == 1

    use(store, scenario, size=WIDE, prefs=Prefs())
