"""What is changed from the table of runs, what is said of it, and how it is undone."""

from pathlib import Path
from typing import Any

import pytest
from pilot import alive, done, messages, names, press, screen_text, until, use
from store_rows import config, queued
from textual.pilot import Pilot
from textual.widgets import Input

from ageui.store import Store
from ageui.tui.app import AgeUIApp
from ageui.tui.dialogs.prompts import LinePrompt
from ageui.tui.widgets.paged_table import PagedTable
from engine.data.spec import DataSpec

pytestmark = pytest.mark.app


def test_the_queue_is_paused_resumed_cancelled_retried_and_undone_by_key(store: Store, no_workers: list[str]) -> None:
    run_id = queued(store, "only")

    def status() -> str:
        return store.runs.get(run_id).status

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await press(pilot, "p")
        assert status() == "paused"
        assert messages(app) == ["only paused; u undoes it"]
        await press(pilot, "r")
        assert status() == "queued"
        assert no_workers == ["auto"]
        await press(pilot, "x")
        assert status() == "cancelled"
        await press(pilot, "t")
        assert status() == "queued"
        await press(pilot, "x", "u")
        assert status() == "queued"
        await press(pilot, "r")
        assert messages(app)[-1] == f"run {run_id} (only) is queued; only paused and interrupted runs can be resumed"

    use(store, scenario)


def test_a_run_whose_data_is_gone_is_not_queued_again(store: Store, tmp_path: Path) -> None:
    spec = DataSpec(name="people", format="table", path=str(tmp_path / "people.csv"))
    run_id = store.runs.add(config(), spec, name=None)
    store.queue.pause([run_id])

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await press(pilot, "r")
        assert "people.csv is missing; mount it" in messages(app)[-1]
        await press(pilot, "x", "t")
        assert "people.csv is missing; mount it" in messages(app)[-1]
        assert store.runs.get(run_id).status == "cancelled"

    use(store, scenario)


def test_a_change_of_several_selected_runs_tells_which_could_not_be_made(store: Store, no_workers: list[str]) -> None:
    done(store, "old")
    queued(store, "a")
    queued(store, "b")

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await press(pilot, "space", "space", "space")
        assert app.screen.query_one(PagedTable).selected == {1, 2, 3}
        assert "3 selected" in screen_text(app)
        await press(pilot, "x")
        assert [store.runs.get(run_id).status for run_id in (1, 2, 3)] == ["done", "cancelled", "cancelled"]
        assert messages(app)[0] == "2 runs cancelled; u undoes it"
        assert "run 1 (old) is done; only queued" in messages(app)[1]
        await press(pilot, "escape")
        assert app.screen.query_one(PagedTable).selected == frozenset()

    use(store, scenario)


def test_a_queued_run_is_moved_by_key_and_stays_under_the_cursor(store: Store) -> None:
    for name in ("a", "b", "c"):
        queued(store, name)

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await press(pilot, "J")
        await until(pilot, lambda: names(app) == ["b", "a", "c"])
        await press(pilot, "J")
        await until(pilot, lambda: names(app) == ["b", "c", "a"])
        await press(pilot, "J")
        await press(pilot, "K")
        await until(pilot, lambda: names(app) == ["b", "a", "c"])
        await press(pilot, "u", "u")
        await until(pilot, lambda: names(app) == ["b", "a", "c"])
        assert "a is back at its place in the queue" in messages(app)
        await press(pilot, "u")
        await until(pilot, lambda: names(app) == ["a", "b", "c"])

    use(store, scenario)


def test_a_move_past_another_priority_is_undone_with_it(store: Store) -> None:
    low, high = queued(store, "low"), queued(store, "high")
    store.queue.prioritise(high, 5)

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await until(pilot, lambda: names(app) == ["high", "low"])
        await press(pilot, "down", "K")
        assert store.runs.get(low).priority == 5
        await press(pilot, "u")
        assert [store.runs.get(run_id).priority for run_id in (low, high)] == [0, 5]
        assert [row.id for row in store.queue.waiting()] == [high, low]

    use(store, scenario)


def test_a_running_run_is_said_to_be_asked(store: Store, no_workers: list[str]) -> None:
    run_id, _, lock = alive(store, "busy")

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await press(pilot, "p")
        assert messages(app) == ["busy will be paused after the current step; u undoes it"]
        await press(pilot, "u")
        assert messages(app)[-1] == "busy restored"
        assert store.queue.request(run_id, 1) is None
        await press(pilot, "x")
        assert messages(app)[-1] == "busy will be cancelled after the current step; u undoes it"
        assert store.queue.request(run_id, 1) == "cancel"
        await press(pilot, "u")
        assert store.queue.request(run_id, 1) is None
        assert store.runs.get(run_id).status == "running"

    use(store, scenario)
    lock.release()


def test_tags_of_several_runs_are_added_to_and_taken_away(store: Store) -> None:
    queued(store, "a", ("old", "own"))
    queued(store, "b", ("old",))

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await press(pilot, "space", "space", "g")
        assert app.screen.query_one(Input).value == ""
        await press(pilot, *"new -old", "enter")
        assert [store.runs.get(run_id).tags for run_id in (1, 2)] == [("new", "own"), ("new",)]
        await press(pilot, "u")
        assert [store.runs.get(run_id).tags for run_id in (1, 2)] == [("old", "own"), ("old",)]

    use(store, scenario)


def test_the_whole_queue_is_held_and_let_go(store: Store, no_workers: list[str]) -> None:
    queued(store, "waiting")

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await press(pilot, "H")
        assert store.queue.current_pause() is not None
        await until(pilot, lambda: "the queue is paused" in screen_text(app))
        await press(pilot, "H")
        assert store.queue.current_pause() is None
        assert no_workers == ["auto"]

    use(store, scenario)


def test_tags_notes_and_names_are_edited_in_place_and_undone(store: Store) -> None:
    run_id = queued(store, "plain", ("old",))

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await press(pilot, "g")
        assert app.screen.query_one(Input).value == "old "
        await press(pilot, "end", *" new, best", "enter")
        assert store.runs.get(run_id).tags == ("best", "new", "old")
        await press(pilot, "u")
        assert store.runs.get(run_id).tags == ("old",)
        await press(pilot, "m", *"look [/] here", "enter")
        assert store.runs.get(run_id).note == "look [/] here"
        await until(pilot, lambda: "look [/] here" in screen_text(app))
        await press(pilot, "f2", *"er", "enter")
        assert store.runs.get(run_id).name == "plainer"
        await press(pilot, "f2", *"xx", "escape")
        assert store.runs.get(run_id).name == "plainer"
        await press(pilot, "g", *" two,words!", "enter", "f2", "ctrl+u", "enter")
        assert "is empty" in messages(app)[-1]
        assert store.runs.get(run_id).name == "plainer"

    use(store, scenario)


def test_archived_runs_go_out_of_sight_and_come_back_by_undo_or_filter(store: Store) -> None:
    done(store, "old")
    queued(store, "new")

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await press(pilot, "down", "z")
        await until(pilot, lambda: names(app) == ["new"])
        await press(pilot, "u")
        await until(pilot, lambda: names(app) == ["new", "old"])
        await press(pilot, "z")
        await until(pilot, lambda: "only ended runs can be archived" in " ".join(messages(app)))
        await press(pilot, "down", "z", "slash", *"archived=true", "enter")
        await until(pilot, lambda: names(app) == ["old"])
        await press(pilot, "Z")
        await until(pilot, lambda: names(app) == [])
        assert store.runs.get(1).archived_at is None

    use(store, scenario)


def test_a_note_prompt_can_be_left(store: Store) -> None:
    queued(store, "a")

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await press(pilot, "m")
        assert isinstance(app.screen, LinePrompt)
        await press(pilot, "x", "escape")
        assert store.runs.get(1).note is None
        assert store.runs.get(1).status == "queued"

    use(store, scenario)
