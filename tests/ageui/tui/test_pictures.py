"""A few pictures of whole screens, drawn by the release of Textual that the extra `test` pins.

After a change that is meant: pytest tests/ageui/tui/test_pictures.py --snapshot-update, and look at what changed.
"""

from pathlib import Path
from typing import Any

import pytest
from pilot import alive, press, screen_text, settled, until
from store_rows import end, epoch, epoch_scores, evaluated, queued, running, steps
from textual.pilot import Pilot
from textual.widgets import Input

from ageui.files.locks import Lock
from ageui.store import Store
from ageui.tui.app import AgeUIApp
from ageui.tui.compare.screen import CompareScreen
from ageui.tui.device_loads import DeviceLoad
from ageui.tui.messages import OpenComparison, OpenRun
from ageui.tui.new_run.screen import NewRunScreen
from ageui.tui.prefs import Prefs
from ageui.tui.run.screen import RunScreen
from ageui.tui.widgets.field_row import FieldRow
from engine.checked_networks import CheckedNetwork

pytestmark = pytest.mark.app
DRAWN_BY = "8.2.8"


class _Idle:
    def read(self) -> list[DeviceLoad]:
        return [DeviceLoad("cpu", 0.25, 3 << 30, 24 << 30)]


@pytest.fixture(autouse=True)
def _same_everywhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("ageui.tui.base_app.LoadMeter", _Idle)
    monkeypatch.setattr("ageui.tui.base_app.SECONDS_BETWEEN_LOADS", 3600.0)
    monkeypatch.setattr("ageui.planning.known_networks.known_network", lambda key: None)
    # Checks of networks go on until they are stopped.
    monkeypatch.setattr("engine.checked_networks._COMMAND", ["tail", "-f", "/dev/null"])
    monkeypatch.setattr(Input, "_toggle_cursor", lambda cursor: None)  # it would blink
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def filled(store: Store) -> Lock:
    """Runs in every state; the lock of the one that runs is held."""
    for name, loss, mae in (("calm-otter", "mape", 6.12), ("plain-wren", "mse", 6.66)):
        run_id, attempt = running(store, name, ("table9",), loss=loss)
        with store.writing(run_id, attempt) as writer:
            for number in range(1, 9):
                writer.steps(steps((number * 10, 0.4 / number)))
                writer.epoch(epoch(number, val_loss=0.02 / number + 0.004, is_best=number < 7))
            writer.evaluated(evaluated("valid", mae), "apparent", "synthetic")
            writer.end("done", "")
    end(store, *running(store, "brisk-lynx", loss="huber"), "failed", "the images are gone: put them back")
    run_id, attempt, lock = alive(store, "quiet-heron", loss="logcosh")
    with store.writing(run_id, attempt) as writer:
        writer.steps(steps((40, 0.25)))
    store.queue.pause(queued(store, "ochre-tern", loss="mae"))
    queued(store, "amber-seal", loss="poisson")
    return lock


async def opened(pilot: "Pilot[Any]") -> None:
    """Until the first screen, the queue and the load of the devices are shown."""
    await settled(pilot)
    await until(pilot, lambda: not any(worker.group in ("queue", "loads") for worker in pilot.app.workers))
    await settled(pilot)


def test_no_runs_yet(store: Store, snap_compare: Any) -> None:
    assert snap_compare(AgeUIApp(store, Prefs()), terminal_size=(100, 24), run_before=opened)


def test_runs_with_a_filter_that_is_typed(store: Store, filled: Lock, snap_compare: Any) -> None:
    async def type_it(pilot: "Pilot[Any]") -> None:
        await opened(pilot)
        await press(pilot, "slash", *"status=done mae<6.5")

    assert snap_compare(AgeUIApp(store, Prefs()), terminal_size=(80, 24), run_before=type_it)


def test_a_filter_that_finds_nothing(store: Store, filled: Lock, snap_compare: Any) -> None:
    async def type_it(pilot: "Pilot[Any]") -> None:
        await opened(pilot)
        await press(pilot, "slash", *"loss=mpe otter", "enter")

    assert snap_compare(AgeUIApp(store, Prefs()), terminal_size=(80, 24), run_before=type_it)


def test_views(store: Store, filled: Lock, snap_compare: Any) -> None:
    async def list_them(pilot: "Pilot[Any]") -> None:
        await opened(pilot)
        await press(pilot, "f3")

    assert snap_compare(AgeUIApp(store, Prefs()), terminal_size=(100, 30), run_before=list_them)


def test_runs_with_a_preview(store: Store, filled: Lock, snap_compare: Any) -> None:
    async def rest(pilot: "Pilot[Any]") -> None:
        await opened(pilot)
        await press(pilot, "end", "up")
        await until(pilot, lambda: bool(pilot.app.screen.query("PreviewedRun")), "the preview is there")
        await settled(pilot)

    assert snap_compare(AgeUIApp(store, Prefs()), terminal_size=(160, 45), run_before=rest)


def test_runs(store: Store, filled: Lock, snap_compare: Any) -> None:
    assert snap_compare(AgeUIApp(store, Prefs()), terminal_size=(132, 20), run_before=opened)


def test_runs_on_a_small_light_terminal(store: Store, filled: Lock, snap_compare: Any) -> None:
    app = AgeUIApp(store, Prefs(theme="ageui-safe-light"))
    assert snap_compare(app, terminal_size=(80, 24), run_before=opened)


def test_one_run(store: Store, filled: Lock, snap_compare: Any) -> None:
    app = AgeUIApp(store, Prefs())

    async def open_it(pilot: "Pilot[Any]") -> None:
        await opened(pilot)
        app.post_message(OpenRun(1))
        await settled(pilot)
        await press(pilot, "l")
        assert isinstance(app.screen, RunScreen)

    assert snap_compare(app, terminal_size=(132, 38), run_before=open_it)


def test_a_run_that_waits(store: Store, snap_compare: Any) -> None:
    queued(store, "amber-seal", loss="poisson")

    async def open_it(pilot: "Pilot[Any]") -> None:
        await opened(pilot)
        await press(pilot, "enter")
        assert isinstance(pilot.app.screen, RunScreen)

    assert snap_compare(AgeUIApp(store, Prefs()), terminal_size=(80, 24), run_before=open_it)


def test_a_run_that_trains(store: Store, filled: Lock, snap_compare: Any) -> None:
    run_id, attempt, lock = alive(store, "early-finch", loss="mae")
    with store.writing(run_id, attempt) as writer:
        for number in range(1, 4):
            writer.steps(steps((number * 10, 0.4 / number)))
            figures = epoch_scores(9.0 - number, 0.25 * number, 12.0 / number)
            writer.epoch(epoch(number, val_loss=0.02 / number, is_best=True, scores=figures))

    async def open_it(pilot: "Pilot[Any]") -> None:
        await opened(pilot)
        pilot.app.post_message(OpenRun(run_id))
        await settled(pilot)
        await press(pilot, "3")
        assert isinstance(pilot.app.screen, RunScreen)

    assert snap_compare(AgeUIApp(store, Prefs()), terminal_size=(80, 24), run_before=open_it)
    lock.release()


def test_runs_without_scores_compared(store: Store, snap_compare: Any) -> None:
    ids = [queued(store, "amber-seal", loss="poisson"), queued(store, "ochre-tern", loss="mae")]

    async def open_it(pilot: "Pilot[Any]") -> None:
        await opened(pilot)
        pilot.app.post_message(OpenComparison(tuple(ids)))
        await until(pilot, lambda: isinstance(pilot.app.screen, CompareScreen))
        await settled(pilot)

    assert snap_compare(AgeUIApp(store, Prefs()), terminal_size=(80, 24), run_before=open_it)


def test_a_study_without_runs(store: Store, snap_compare: Any) -> None:
    async def open_it(pilot: "Pilot[Any]") -> None:
        await opened(pilot)
        await press(pilot, "G", "enter")

    assert snap_compare(AgeUIApp(store, Prefs()), terminal_size=(80, 24), run_before=open_it)


def test_data_sets_to_begin_with(store: Store, snap_compare: Any) -> None:
    async def open_it(pilot: "Pilot[Any]") -> None:
        await opened(pilot)
        await press(pilot, "D")
        await until(pilot, lambda: "no rows that cannot be used" in screen_text(pilot.app))
        await settled(pilot)

    assert snap_compare(AgeUIApp(store, Prefs()), terminal_size=(80, 24), run_before=open_it)


def test_compared(store: Store, filled: Lock, snap_compare: Any) -> None:
    app = AgeUIApp(store, Prefs())

    async def open_it(pilot: "Pilot[Any]") -> None:
        await opened(pilot)
        app.post_message(OpenComparison((1, 2)))
        await until(pilot, lambda: isinstance(app.screen, CompareScreen))
        await settled(pilot)
        await press(pilot, "b")
        screen = app.screen
        assert isinstance(screen, CompareScreen)
        await until(pilot, lambda: screen.is_settled, "all intervals are there")
        await settled(pilot)

    assert snap_compare(app, terminal_size=(132, 38), run_before=open_it)


def test_keys(store: Store, filled: Lock, snap_compare: Any) -> None:
    async def open_it(pilot: "Pilot[Any]") -> None:
        await opened(pilot)
        await press(pilot, "question_mark")

    assert snap_compare(AgeUIApp(store, Prefs()), terminal_size=(100, 40), run_before=open_it)


def test_studies(store: Store, filled: Lock, snap_compare: Any) -> None:
    async def open_it(pilot: "Pilot[Any]") -> None:
        await opened(pilot)
        await press(pilot, "G")
        await press(pilot, *["down"] * 7)

    assert snap_compare(AgeUIApp(store, Prefs()), terminal_size=(132, 30), run_before=open_it)


def test_a_study_as_heat_map(store: Store, filled: Lock, snap_compare: Any) -> None:
    async def open_it(pilot: "Pilot[Any]") -> None:
        await opened(pilot)
        await press(pilot, "G")
        await press(pilot, *["down"] * 7, "enter", "g", "g")

    assert snap_compare(AgeUIApp(store, Prefs()), terminal_size=(100, 30), run_before=open_it)


def test_the_form_for_new_runs(store: Store, monkeypatch: pytest.MonkeyPatch, snap_compare: Any) -> None:
    monkeypatch.setattr("ageui.planning.known_networks.known_network", lambda key: CheckedNetwork(key=key))

    async def open_it(pilot: "Pilot[Any]") -> None:
        await opened(pilot)
        await press(pilot, "n")
        screen = pilot.app.screen
        assert isinstance(screen, NewRunScreen)
        screen.query_one("#row-variance-lambda", FieldRow).focus_text()
        below = ("variance_lambda: only used", "peak memory: not known yet", "time: unknown", "$ ageui run")
        await until(pilot, lambda: all(text in screen_text(pilot.app) for text in below))
        await settled(pilot)

    assert snap_compare(AgeUIApp(store, Prefs()), terminal_size=(80, 24), run_before=open_it)
