"""What comes before the application and after it."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from pilot import alive, messages, names, press, settled, use
from store_rows import queued
from terminal import Terminal
from textual.pilot import Pilot

from ageui.store import Store
from ageui.tui.app import AgeUIApp
from ageui.tui.launch import background_summary, launch, open_store
from ageui.tui.prefs import Prefs
from engine.errors import StoreError

pytestmark = pytest.mark.app


def test_without_a_terminal_help_is_shown_instead_of_the_application(ageui: Terminal) -> None:
    done = ageui()
    assert done.code == 2
    assert "Usage" in done.out
    assert not (ageui.folder / "runs.db").exists()


def test_continuing_work_is_summarised_at_the_end(store: Store) -> None:
    assert background_summary(store) == ""
    queued(store, "waiting")
    assert background_summary(store) == "1 run queued, and no worker: ageui worker start, or W in ageui"
    _, _, _lock = alive(store, "going")
    assert background_summary(store) == "in the background: 1 running, 1 queued; ageui shows them"
    store.queue.pause_queue("you paused it")
    assert "the queue is paused with 1 run: ageui resume" in background_summary(store)


def test_a_database_that_cannot_be_written_is_shown_and_says_so_when_it_should_change(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    queued(store, "kept")

    def refuse(path: Path, **options: object) -> None:
        raise StoreError(f"{path} cannot be written")

    monkeypatch.setattr("ageui.store.store.open_writer", refuse)
    with pytest.raises(StoreError):
        open_store(tmp_path / "new.db")
    with open_store(store.path) as opened:

        async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
            assert names(app) == ["kept"]
            await press(pilot, "p")
            assert "opened read-only" in messages(app)[0]

        use(opened, scenario)


def test_a_database_of_another_program_is_refused(tmp_path: Path) -> None:
    (tmp_path / "runs.db").write_bytes(b"no database at all" * 100)
    with pytest.raises(StoreError):
        open_store(tmp_path / "runs.db")


def test_results_to_be_scored_again_are_reported_at_the_start(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[list[str]] = []

    async def opened(app: AgeUIApp) -> None:
        async with app.run_test(notifications=True) as pilot:
            await settled(pilot)
            said.append(messages(app))

    monkeypatch.setattr(AgeUIApp, "run", lambda app: asyncio.run(opened(app)))
    for sentence in ("2 results of an earlier version will be scored again", None):
        monkeypatch.setattr("ageui.tui.launch.start_rescoring", lambda store, sentence=sentence: sentence)
        monkeypatch.setattr(Prefs, "load", Prefs)
        launch(store.path)
    assert said == [["2 results of an earlier version will be scored again"], []]
