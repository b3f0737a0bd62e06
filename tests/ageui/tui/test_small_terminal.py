"""A terminal that is too small says so, comes back to what was open, and can be left."""

from typing import Any

import pytest
from pilot import press, screen_text, settled, use
from store_rows import queued
from textual.pilot import Pilot
from textual.widgets import Input

from ageui.store import Store
from ageui.tui.app import AgeUIApp
from ageui.tui.dialogs.prompts import LinePrompt

pytestmark = pytest.mark.app


def test_a_small_terminal_is_reported_and_the_screen_comes_back(store: Store) -> None:
    run_id = queued(store, "only")

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await press(pilot, "g", *"mine")
        for width, height in ((40, 12), (59, 30), (80, 15), (8, 3)):
            await pilot.resize_terminal(width, height)
            await settled(pilot)
            assert "".join(screen_text(app).split()).startswith("ageuineed")
            assert "only" not in screen_text(app)
        await press(pilot, "n", "x", "enter")
        await pilot.resize_terminal(60, 16)
        await settled(pilot)
        assert isinstance(app.screen, LinePrompt)
        assert app.screen.query_one(Input).value == "mine"
        assert store.runs.get(run_id).status == "queued"
        await pilot.resize_terminal(40, 12)
        await settled(pilot)
        assert "has 40×12" in screen_text(app).replace("\n", " ")
        await pilot.press("ctrl+q")
        await pilot.pause()
        assert app.return_code == 0

    use(store, scenario)


def test_a_start_in_too_small_a_terminal_is_said(store: Store) -> None:
    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        assert "ageui needs 60×16 cells" in screen_text(app)
        await pilot.resize_terminal(80, 24)
        await settled(pilot)
        assert "No runs yet" in screen_text(app)

    use(store, scenario, size=(50, 14))


def test_suspending_is_asked_of_the_terminal(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(AgeUIApp, "action_suspend_process", lambda self: asked.append(self.screen))

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await press(pilot, "ctrl+z", "question_mark", "ctrl+z")
        assert len(asked) == 2
        drawn: list[dict[str, bool]] = []
        monkeypatch.setattr(AgeUIApp, "refresh", lambda self, *regions, **options: drawn.append(options))
        app.app_resume_signal.publish(app)
        await settled(pilot)
        assert {"layout": True} in drawn, "all is drawn again when it resumes"

    use(store, scenario)
