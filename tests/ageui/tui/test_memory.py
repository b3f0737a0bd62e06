"""The peak memory of runs on the screens: predicted in the form, predicted and measured on the run's screen."""

import re
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from new_run_form import checked, fill, focused, hint, is_open, opened, said
from pilot import press, screen_text, settled, until, use
from store_rows import end, running
from textual.pilot import Pilot
from textual.widgets import Static

from ageui.memory import forecast
from ageui.store import Store
from ageui.tui.app import AgeUIApp
from ageui.tui.messages import OpenRun
from engine.footprints import CountedFootprint, FootprintCounter, FootprintKey
from engine.memory_model import Footprint, LinearBytes

pytestmark = [pytest.mark.app, pytest.mark.usefixtures("empty_folder")]

GIVEN = Footprint(
    device_type="cpu", dtype="fp32", size=64, process=500_000_000, parameters=0, state=0, features=1,
    training=(LinearBytes(fixed=0, per_image=10_000_000),), scoring=(LinearBytes(fixed=0, per_image=0),),
    scoring_batch=256, features_batch=64,
)  # fmt: skip


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every backbone's footprint is known."""
    monkeypatch.setattr(forecast, "known_footprint", lambda wanted: GIVEN)


@pytest.fixture
def room(monkeypatch: pytest.MonkeyPatch) -> None:
    """4 GB are free."""
    monkeypatch.setattr("ageui.memory.free_memory.group_rooms", lambda groups, mount: iter([4_000_000_000]))


@pytest.mark.usefixtures("counted", "room")
@pytest.mark.parametrize("size", [(80, 24), (160, 50)])
def test_the_form_shows_the_peak_and_warns_of_too_little(store: Store, size: tuple[int, int]) -> None:
    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        screen = await opened(app, pilot)
        assert said(app, "#memory") == "peak memory: about 0.99 GB; 4.00 GB are free"
        memory = screen.query_one("#memory", Static)
        assert memory.region.height >= 1
        assert not memory.has_class("-too-much")
        await fill(app, pilot, batch="32,512")
        assert "0.99 GB to 7.23 GB, the most with" in said(app, "#memory")
        assert "but only 4.00 GB are free" in said(app, "#memory")
        assert memory.has_class("-too-much")
        await fill(app, pilot, batch="x")
        assert said(app, "#memory") == ""

    use(store, scenario, size=size)


@pytest.mark.usefixtures("room")
def test_what_is_not_known_is_counted_while_one_types_and_then_shown(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_answer, asked = threading.Event(), []

    def answers(self: FootprintCounter) -> Iterator[CountedFootprint]:
        asked.append(self._keys)
        assert may_answer.wait(30)
        for wanted in self._keys:
            yield CountedFootprint(key=wanted, footprint=GIVEN)

    monkeypatch.setattr(forecast, "known_footprint", lambda wanted: None)
    monkeypatch.setattr(FootprintCounter, "answers", answers)

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await opened(app, pilot)
        assert said(app, "#memory") == "peak memory: being worked out"
        await press(pilot, *"mape")
        await checked(app, pilot)
        may_answer.set()
        await until(pilot, lambda: said(app, "#memory") == "peak memory: about 0.99 GB; 4.00 GB are free")
        assert len(asked) == 1

    use(store, scenario)


def test_queueing_waits_for_the_check_of_the_network_which_may_refuse(
    store: Store, monkeypatch: pytest.MonkeyPatch, no_workers: list[str]
) -> None:
    may_answer = threading.Event()

    def answers(self: FootprintCounter) -> Iterator[CountedFootprint]:
        assert may_answer.wait(30)
        for wanted in self._keys:
            assert isinstance(wanted, FootprintKey)
            if wanted.size == 64:
                yield CountedFootprint(key=wanted, problem="backbone x cannot take images of 64 px", failure="config")
            else:
                yield CountedFootprint(key=wanted, footprint=GIVEN)

    monkeypatch.setattr(forecast, "known_footprint", lambda wanted: None)
    monkeypatch.setattr(FootprintCounter, "answers", answers)

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await opened(app, pilot)
        await press(pilot, "ctrl+s")
        assert is_open(app)
        await until(pilot, lambda: "waiting for the peak memory" in said(app, "#outcome"))
        may_answer.set()
        await until(pilot, lambda: focused(app) == "backbone", "the network is refused")
        assert "cannot take images of 64 px" in hint(app, "backbone")
        assert store.runs.count() == 0
        await fill(app, pilot, size="96")
        await press(pilot, "ctrl+s")
        await until(pilot, lambda: not is_open(app), "back at the runs")
        assert store.runs.count() == 1

    use(store, scenario)


def test_a_form_that_is_left_has_nothing_counted_any_more(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, stopped = threading.Event(), threading.Event()
    real = FootprintCounter.stop

    def answers(self: FootprintCounter) -> Iterator[CountedFootprint]:
        begun.set()
        stopped.wait(90)  # longer than the test waits for it
        yield from ()

    def stop(self: FootprintCounter) -> None:
        stopped.set()
        real(self)

    monkeypatch.setattr(forecast, "known_footprint", lambda wanted: None)
    monkeypatch.setattr(FootprintCounter, "answers", answers)
    monkeypatch.setattr(FootprintCounter, "stop", stop)

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await opened(app, pilot)
        await until(pilot, begun.is_set)
        assert not stopped.is_set()
        await press(pilot, "escape")
        await until(pilot, stopped.is_set)

    use(store, scenario)


@pytest.mark.usefixtures("counted")
def test_a_run_shows_its_peak_memory_or_else_the_predicted_one(store: Store) -> None:
    run_id, attempt = running(store, "done")
    with store.writing(run_id, attempt) as writer:
        writer.started({"data": {}, "device": "cpu", "placement": "cpu", "predicted_memory_bytes": 1_230_000_000})
        writer.memory(1_340_000_000)
    end(store, run_id, attempt)
    waiting, _ = running(store, "began before it was counted")

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        app.post_message(OpenRun(run_id))
        await settled(pilot)
        assert screen_text(app).count("peak 1.34 GB") == 1
        await press(pilot, "0")
        assert screen_text(app).count("peak 1.34 GB") == 2, "with the attempt, too"
        app.post_message(OpenRun(waiting))
        await settled(pilot)
        assert re.search(r"about \d\.\d\d GB", screen_text(app))

    use(store, scenario, size=(160, 40))
