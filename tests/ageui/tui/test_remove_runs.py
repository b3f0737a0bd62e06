"""Archived runs are deleted from the table of runs, after a question, and for good."""

from typing import Any

import pytest
from pilot import done, messages, names, press, screen_text, until, use
from textual.pilot import Pilot

from ageui.store import Store
from ageui.tui.app import AgeUIApp
from ageui.tui.dialogs.prompts import ChoicePrompt
from ageui.tui.widgets.filter_box import FilterBox

pytestmark = pytest.mark.app


def test_archived_runs_are_deleted_after_a_question_and_nothing_earlier_is_undone(store: Store) -> None:
    for name in ("old", "older", "kept"):
        done(store, name)
    store.edits.archive([1, 2])
    folder = store.run_folder(1)
    folder.mkdir(parents=True)
    (folder / "weights-1.safetensors").write_bytes(b"x")

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await press(pilot, "X")
        assert messages(app) == [
            "run 3 (kept) is not archived; only archived runs can be deleted here: archive it with z, then list it "
            "with the filter archived=true"
        ]
        app.screen.query_one(FilterBox).set_text("archived=true")
        await until(pilot, lambda: names(app) == ["older", "old"])
        await press(pilot, "ctrl+a", "X")
        await until(pilot, lambda: isinstance(app.screen, ChoicePrompt))
        assert "Delete 2 runs (old, older)" in screen_text(app)
        await press(pilot, "escape")
        assert store.runs.ids("archived=true") == [1, 2]
        await press(pilot, "X")
        await until(pilot, lambda: isinstance(app.screen, ChoicePrompt))
        await press(pilot, "down", "enter")
        await until(pilot, lambda: names(app) == [])
        assert messages(app)[-1] == "2 runs deleted"
        assert not folder.exists()
        await press(pilot, "u")
        assert messages(app)[-1] == "nothing to undo"
        assert store.runs.ids() == [3]

    use(store, scenario)
