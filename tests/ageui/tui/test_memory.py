"""The peak memory of runs on the screens, and the check of networks while a form is open."""

import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from measured_runs import GB, measured_run
from new_run_form import fill, focused, hint, is_open, opened, said
from pilot import press, screen_text, settled, until, use
from store_rows import queued
from textual.pilot import Pilot
from textual.widgets import Static

from ageui.memory.device_memory import DeviceMemory
from ageui.store import Store
from ageui.tui.app import AgeUIApp
from ageui.tui.messages import OpenRun
from engine.checked_networks import CheckedNetwork, NetworkFacts, NetworkKey

pytestmark = [pytest.mark.app, pytest.mark.usefixtures("empty_folder")]

FACTS = NetworkFacts(parameters=0, state_bytes=0, features=1)


@pytest.mark.usefixtures("no_network_checks")
@pytest.mark.parametrize("size", [(80, 24), (160, 50)])
def test_the_form_shows_the_peak_and_warns_of_too_little(
    store: Store, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ageui.memory.device_memory.group_memory", lambda *paths: iter([DeviceMemory(4 * GB, 5 * GB)]))
    small, large = measured_run(store, 0.99, loss="mae"), measured_run(store, 7.23, batch=512, loss="mae")

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        screen = await opened(app, pilot)
        assert said(app, "#memory") == f"peak memory: 0.99 GB, measured by run {small}; 4.00 GB are free"
        memory = screen.query_one("#memory", Static)
        assert memory.region.height >= 1
        assert not memory.has_class("-too-much")
        await fill(app, pilot, batch="32,512")
        assert f"batch 512 (measured by run {large}), but only 4.00 GB are free" in said(app, "#memory")
        assert memory.has_class("-too-much")
        await fill(app, pilot, batch="16")
        assert said(app, "#memory") == "peak memory: not known yet; no run like this ended here"
        await fill(app, pilot, batch="x")
        assert said(app, "#memory") == ""

    use(store, scenario, size=size)


def test_queueing_waits_for_the_check_of_the_network_which_may_refuse(
    store: Store, monkeypatch: pytest.MonkeyPatch, no_workers: list[str]
) -> None:
    may_answer = threading.Event()

    def check(keys: Sequence[NetworkKey], begun: object) -> list[CheckedNetwork]:
        assert may_answer.wait(30)
        problem = "backbone x cannot take images of 64 px"
        wrong = {"problem": problem, "failure": "config"}
        return [CheckedNetwork(key=key, **(wrong if key.size == 64 else {"facts": FACTS})) for key in keys]

    monkeypatch.setattr("ageui.planning.known_networks.known_network", lambda key: None)
    monkeypatch.setattr("ageui.planning.known_networks.check_networks", check)

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await opened(app, pilot)
        assert said(app, "#memory").endswith("checking networks")
        await press(pilot, "ctrl+s")
        assert is_open(app)
        await until(pilot, lambda: "· checking networks …" in said(app, "#outcome"))
        may_answer.set()
        await until(pilot, lambda: focused(app) == "backbone", "the network is refused")
        assert "cannot take images of 64 px" in hint(app, "backbone")
        assert store.runs.count() == 0
        await fill(app, pilot, size="96")
        await press(pilot, "ctrl+s")
        await until(pilot, lambda: not is_open(app), "back at the runs")
        assert store.runs.count() == 1

    use(store, scenario)


def test_leaving_a_form_stops_its_check(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, stopped = threading.Event(), threading.Event()

    class Process:
        def kill(self) -> None:
            stopped.set()

    def check(keys: Sequence[NetworkKey], note: Callable[[Process], None]) -> list[CheckedNetwork]:
        note(Process())
        begun.set()
        stopped.wait(90)  # longer than the test waits for it
        return []

    monkeypatch.setattr("ageui.planning.known_networks.known_network", lambda key: None)
    monkeypatch.setattr("ageui.planning.known_networks.check_networks", check)

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await opened(app, pilot)
        await until(pilot, begun.is_set)
        assert not stopped.is_set()
        await press(pilot, "escape")
        await until(pilot, stopped.is_set)

    use(store, scenario)


def test_a_run_shows_its_peak_memory_or_else_that_of_runs_like_it(store: Store) -> None:
    done, waiting = measured_run(store, 1.34), queued(store)

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        app.post_message(OpenRun(done))
        await settled(pilot)
        assert screen_text(app).count("peak 1.34 GB") == 1
        await press(pilot, "0")
        assert screen_text(app).count("peak 1.34 GB") == 2, "with the attempt, too"
        app.post_message(OpenRun(waiting))
        await settled(pilot)
        assert f"peak 1.34 GB, measured by run {done}" in screen_text(app)

    use(store, scenario, size=(160, 40))
