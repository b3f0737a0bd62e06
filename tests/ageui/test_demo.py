"""`ageui demo`: a copy of the shipped runs, which leaves nothing behind."""

import asyncio
import hashlib
import signal
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from living import processes_of
from store_rows import queued
from terminal import Terminal, wait_until
from textual.pilot import Pilot
from tui.pilot import messages, press, use

from ageui.store import Store
from ageui.store.example import copy_example, shipped_example
from ageui.store.other_databases import is_example
from ageui.tui.app import AgeUIApp
from ageui.tui.launch import launch, launch_demo
from ageui.tui.prefs import Prefs, prefs_file
from ageui.worker.background_workers import start_worker
from ageui.worker.demo_copy import open_demo, temporary_demo
from engine.config import PRESETS, build_config
from engine.data.spec import BUILT_IN
from engine.errors import StoreError

Play = Callable[[AgeUIApp], None]


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the copies are made."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch) -> Callable[[Play], None]:
    """Has a function use the application in place of a person."""
    return lambda use_it: monkeypatch.setattr(AgeUIApp, "run", use_it)


def test_the_shipped_runs_come_with_every_installation() -> None:
    assert is_example(shipped_example())


def test_an_installation_without_them_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("ageui.store.example._PLACES", (tmp_path / "runs.db",))
    with pytest.raises(StoreError, match="this installation lacks the shipped runs"):
        open_demo(tmp_path / "demo")


def test_the_demo_needs_a_terminal(ageui: Terminal) -> None:
    done = ageui("demo")
    assert (done.code, done.err) == (
        2,
        "ageui: ageui demo needs a terminal for the application; start it in a terminal, without pipes\n",
    )


def test_changes_go_to_a_copy_that_is_removed(temporary: Path, play: Callable[[Play], None]) -> None:
    shipped = hashlib.sha256(shipped_example().read_bytes()).digest()
    seen: list[Path] = []

    def change(app: AgeUIApp) -> None:
        seen.append(app.store.path)
        assert len(app.store.runs.ids("source=measured")) > 100
        app.store.edits.set_note(app.store.runs.ids("source=measured")[0], "mine")
        queued(app.store, "never trained")
        app.use_theme("ageui-light")

    play(change)
    assert launch_demo() == "the demo's copy is removed, with 1 unfinished run"
    assert (seen[0].parent.parent, seen[0].name) == (temporary, "demo.db")
    assert list(temporary.iterdir()) == []
    assert not prefs_file().exists()
    assert hashlib.sha256(shipped_example().read_bytes()).digest() == shipped
    play(lambda app: None)
    assert launch_demo() == "the demo's copy is removed"


def test_a_kept_copy_stays_and_is_found_again(tmp_path: Path, play: Callable[[Play], None]) -> None:
    play(lambda app: app.store.edits.set_note(1, "mine"))
    said = launch_demo(tmp_path / "kept")
    assert said == f"the demo stays in {tmp_path}/kept/demo.db; to open it again: ageui --db {tmp_path}/kept/demo.db"
    with open_demo(tmp_path / "kept") as store:
        assert store.runs.get(1).note == "mine"
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="file cannot hold the copy"):
        launch_demo(tmp_path / "file")


@pytest.mark.app
def test_a_key_opens_the_demo_and_leaving_it_comes_back(
    store: Store, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[str, list[str]]] = []

    async def opened(app: AgeUIApp) -> None:
        async with app.run_test(notifications=True) as pilot:
            await press(pilot)
            seen.append((app.store.path.name, messages(app)))
            await press(pilot, "O" if len(seen) == 1 else "ctrl+q")

    monkeypatch.setattr(AgeUIApp, "run", lambda app: asyncio.run(opened(app)))
    monkeypatch.setattr(Prefs, "load", Prefs)
    launch(store.path)
    assert seen == [
        ("runs.db", []),
        ("demo.db", ["a copy of the shipped runs to try keys on; quitting removes it"]),
        ("runs.db", ["the demo's copy is removed"]),
    ]


@pytest.mark.app
def test_the_demo_has_no_demo(store: Store) -> None:
    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        app.is_demo = True
        await press(pilot, "O")
        assert messages(app) == ["this is the demo already; ^q quits it"]

    use(store, scenario)


def test_a_closed_terminal_leaves_the_demo_first(temporary: Path, play: Callable[[Play], None]) -> None:
    """The signal is obeyed once the copy is removed."""
    told: list[list[Path]] = []
    left = threading.Event()

    def obeyed(number: int, frame: FrameType | None) -> None:
        told.append(list(temporary.iterdir()))

    def hang_up(app: AgeUIApp) -> None:
        app.exit = lambda: left.set()  # type: ignore[method-assign,assignment]
        signal.raise_signal(signal.SIGHUP)
        assert left.wait(10)

    play(hang_up)
    before = signal.signal(signal.SIGHUP, obeyed)
    try:
        launch_demo()
    finally:
        signal.signal(signal.SIGHUP, before)
    assert told == [[]]


def test_a_terminal_that_closes_while_the_copy_is_made_opens_nothing(
    temporary: Path, play: Callable[[Play], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def closing(path: Path, target: Path) -> None:
        copy_example(path, target)
        signal.raise_signal(signal.SIGHUP)

    monkeypatch.setattr("ageui.worker.demo_copy.copy_example", closing)
    opened: list[AgeUIApp] = []
    play(opened.append)
    obeyed: list[int] = []
    before = signal.signal(signal.SIGHUP, lambda number, frame: obeyed.append(number))
    try:
        launch_demo()
    finally:
        signal.signal(signal.SIGHUP, before)
    assert (opened, obeyed, list(temporary.iterdir())) == ([], [signal.SIGHUP], [])


@pytest.mark.process
def test_its_workers_and_engines_end_with_it(temporary: Path) -> None:
    tiny = {"backbone": "resnet18@layer1", "size": 32, "epochs": 5000, "patience": None, "device": "cpu"}
    with temporary_demo() as store:
        run_id = store.runs.add(build_config({**PRESETS["quick"], **tiny}), BUILT_IN, name=None)
        start_worker(store, "cpu", checkpoint_seconds=60)
        wait_until(lambda: store.runs.get(run_id).status == "running")
        folder = store.path.parent
        assert processes_of(folder)
    assert list(temporary.iterdir()) == []
    wait_until(lambda: not processes_of(folder))
