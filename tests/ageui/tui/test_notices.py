"""Notices stay short, out of the way of what is typed, and on the screen that they are about."""

from typing import Any

import pytest
from pilot import done, messages, press, screen_text, settled, until, use
from store_rows import queued
from textual.pilot import Pilot
from textual.widgets import Input
from textual.widgets._toast import Toast

from ageui.store import Store
from ageui.tui.app import AgeUIApp
from ageui.tui.dialogs.prompts import LinePrompt
from ageui.tui.messages import OpenRun
from ageui.tui.run.screen import RunScreen
from ageui.tui.widgets.paged_table import PagedTable

pytestmark = pytest.mark.app


def test_notices_wait_while_a_line_is_typed(store: Store) -> None:
    queued(store, "only")

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await press(pilot, "g")
        assert isinstance(app.screen, LinePrompt)
        app.tell("something ended", everywhere=True)
        app.tell("something else")
        await settled(pilot)
        assert not app.screen.query(Toast)
        assert "something" not in screen_text(app)
        await press(pilot, *"mine", "enter")
        await until(pilot, lambda: "something ended" in screen_text(app), "they are shown after it")
        assert "something else" in screen_text(app)

    use(store, scenario, size=(80, 24))


def test_notices_do_not_cover_a_field_at_the_bottom(store: Store) -> None:
    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await press(pilot, "n")
        fields = [field for field in app.screen.query(Input) if field.region.y >= 12]
        for field in (fields[-1], app.screen.query(Input).first()):
            field.focus()
            await settled(pilot)
            app.tell("a notice of some length " * 4)
            await until(pilot, lambda: bool(app.screen.query(Toast)), "it is shown")
            await settled(pilot)
            covered = [toast.region.intersection(field.region) for toast in app.screen.query(Toast)]
            assert not any(region.area for region in covered)

    use(store, scenario, size=(80, 24))


def test_notices_leave_the_last_two_lines_in_view(store: Store) -> None:
    queued(store, "only")

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        before = screen_text(app).splitlines()[-2:]
        app.tell("a notice of some length " * 4)
        await until(pilot, lambda: "a notice" in screen_text(app), "it is shown")
        assert screen_text(app).splitlines()[-2:] == before

    use(store, scenario, size=(80, 24))


def test_notices_go_with_their_screen_unless_they_are_about_every_one(store: Store) -> None:
    run_id = done(store, "scored")

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        app.post_message(OpenRun(run_id))
        await until(pilot, lambda: isinstance(app.screen, RunScreen), "it opens")
        await settled(pilot)
        await press(pilot, "y")
        app.tell("another run is done", everywhere=True)
        await until(pilot, lambda: "another run" in screen_text(app), "both are shown")
        assert "copied the command that repeats scored" in screen_text(app)
        await press(pilot, "escape")
        assert messages(app) == ["another run is done"]
        await until(pilot, lambda: "copied" not in screen_text(app), "one of them leaves with the screen")
        assert "another run is done" in screen_text(app)

    use(store, scenario, size=(100, 30))


def test_a_notice_is_a_few_lines_at_most(store: Store) -> None:
    queued(store, "only")

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        app.tell("word " * 400)
        app.tell("\n".join(f"line {number}" for number in range(40)), severity="error")
        await until(pilot, lambda: len(app.screen.query(Toast)) == 2, "both are shown")
        await settled(pilot)
        assert all(toast.region.height <= 5 for toast in app.screen.query(Toast))
        assert "…" in screen_text(app)

    use(store, scenario, size=(80, 24))


def test_tags_are_added_behind_the_last_one(store: Store) -> None:
    run_id = queued(store, "only")
    store.edits.set_tags([run_id], ["demo"])

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await press(pilot, "g", *"best", "enter")
        assert store.runs.get(run_id).tags == ("best", "demo")

    use(store, scenario)


def test_a_long_last_line_moves_no_table(store: Store) -> None:
    run_id = queued(store, "only")
    store.edits.set_note(run_id, "a long note " * 30)

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        height = app.screen.query_one(PagedTable).size.height
        store.edits.set_note(run_id, "short")
        await until(pilot, lambda: "only: short" in screen_text(app), "the note is shown")
        assert app.screen.query_one(PagedTable).size.height == height
        assert app.screen.query_one("#summary").size.height == 1

    use(store, scenario, size=(80, 24))
