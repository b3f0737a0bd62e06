"""What the form for new runs queues and copies, and what it refuses to."""

import threading
from typing import Any

import pytest
from new_run_form import fill, focused, hint, is_open, opened, row, said
from pilot import messages, name_at_cursor, press, screen_text, settled, until, use
from store_rows import end, queued, running
from textual.pilot import Pilot
from textual.widgets import Checkbox, Input

from ageui.store import Store
from ageui.tui.app import AgeUIApp
from ageui.tui.form.checked_form import FormInput
from ageui.tui.new_run.check import CheckedNewRuns, FormCheck
from ageui.tui.prefs import Prefs
from ageui.tui.runs.screen import RunsScreen

pytestmark = [pytest.mark.app, pytest.mark.usefixtures("empty_folder")]
SIZES = [(80, 24), (160, 50)]


def test_queueing_returns_to_the_runs_and_reports_the_queued_runs(store: Store, no_workers: list[str]) -> None:
    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await opened(app, pilot)
        texts = {"loss": "mse,mape", "seeds": "2", "name": "grid", "tags": "night a", "priority": "3", "device": "cpu"}
        for name, text in texts.items():
            row(app, name).text = text
        # Not waiting for the check: what stands there when the key is pressed is queued.
        await pilot.press("ctrl+s")
        await until(pilot, lambda: isinstance(app.screen, RunsScreen), "back at the runs")
        await settled(pilot)
        assert messages(app) == ["4 runs queued; u undoes it"]
        rows = store.runs.search(order="id")
        assert [one.name for one in rows] == ["grid-1", "grid-2", "grid-3", "grid-4"]
        assert {(one.tags, one.priority, one.status) for one in rows} == {(("a", "night"), 3, "queued")}
        assert [(one.config["loss"], one.config["seed"]) for one in rows] == [
            ("mse", 0), ("mse", 1), ("mape", 0), ("mape", 1),
        ]  # fmt: skip
        assert no_workers == ["cpu"]

    use(store, scenario)


def test_the_cursor_goes_to_the_first_new_run_in_any_order_and_past_a_filter(
    store: Store, no_workers: list[str]
) -> None:
    for number in range(30):
        queued(store, f"old-{number:02}", loss="mse")

    async def queue(app: AgeUIApp, pilot: "Pilot[Any]", **texts: str) -> None:
        await opened(app, pilot)
        for name, text in texts.items():
            row(app, name).text = text
        await pilot.press("ctrl+s")
        await until(pilot, lambda: isinstance(app.screen, RunsScreen), "back at the runs")
        await settled(pilot)

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await queue(app, pilot, loss="mape,msle", name="new", device="cpu")
        assert name_at_cursor(app) == "new-1"
        assert "new-1" in screen_text(app)
        app.prefs.order = "name"
        await press(pilot, "slash", *"old-", "enter")
        await queue(app, pilot, loss="mae", name="last", device="cpu")
        assert "the filter hides the new run; esc clears the filter and shows the run" in messages(app)
        assert name_at_cursor(app).startswith("old-")
        await press(pilot, "escape")
        assert name_at_cursor(app) == "last"
        app.prefs.grouped = "loss"
        await press(pilot, "S", "home", "enter")
        await queue(app, pilot, loss="mae", seed="1", name="aaa", device="cpu")
        assert name_at_cursor(app).strip() == "aaa", "its group is open"

    use(store, scenario, prefs=Prefs())


def test_a_wrong_form_is_shown_and_not_queued(store: Store) -> None:
    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await opened(app, pilot)
        await fill(app, pilot, min_delta="-1", device="cuda:0")
        row(app, "loss").focus_text()
        await press(pilot, "ctrl+s")
        await until(pilot, lambda: focused(app) == "min_delta")
        assert messages(app) == ["1 field to correct: min_delta"]
        row(app, "min_delta").text = ""
        await press(pilot, "ctrl+s")
        await until(pilot, lambda: focused(app) == "device")
        assert "torch finds no CUDA device" in hint(app, "device")
        assert store.runs.count() == 0

    use(store, scenario)


def test_text_typed_after_the_queue_key_is_not_queued(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    goes_on = threading.Event()
    real = FormCheck.check

    def check(self: FormCheck, store: Store, entered: FormInput) -> CheckedNewRuns:
        if "lr" in entered.texts:
            assert goes_on.wait(30)
        return real(self, store, entered)

    monkeypatch.setattr(FormCheck, "check", check)

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await opened(app, pilot)
        row(app, "lr").text = "0.1"
        await pilot.press("ctrl+s")
        row(app, "lr").text = "0.2"
        goes_on.set()
        await until(pilot, lambda: any("nothing was done" in message for message in messages(app)))
        await settled(pilot)
        assert store.runs.ids() == []

    use(store, scenario)


def test_a_check_that_fails_queues_nothing_later(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    real = FormCheck.check
    fails = [False]

    def check(self: FormCheck, store: Store, entered: FormInput) -> CheckedNewRuns:
        checked = real(self, store, entered)
        if fails[0]:  # also a check that was under way when checks began to fail
            raise RuntimeError("never thought of")
        return checked

    monkeypatch.setattr(FormCheck, "check", check)

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        screen = await opened(app, pilot)
        fails[0] = True
        await pilot.press("ctrl+s")
        await until(pilot, lambda: any("never thought of" in message for message in messages(app)))
        fails[0] = False
        screen.refresh_soon()
        await settled(pilot)
        assert store.runs.ids() == []

    use(store, scenario)


def test_a_name_taken_in_the_meantime_keeps_the_form(store: Store, no_workers: list[str]) -> None:
    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        screen = await opened(app, pilot)
        await fill(app, pilot, name="mine", loss="mape")
        checked_before = screen._checked
        assert checked_before is not None
        queued(store, "mine")
        screen.queue(checked_before)
        await until(pilot, lambda: bool(messages(app)))
        assert "a run is already named 'mine'" in messages(app)[0]
        assert app.screen is screen
        assert row(app, "loss").text == "mape"
        await until(pilot, lambda: "a run is already named 'mine'" in hint(app, "name"))
        row(app, "name").text = "other"
        await press(pilot, "ctrl+s")
        await until(pilot, lambda: isinstance(app.screen, RunsScreen))

    use(store, scenario)


@pytest.mark.parametrize("size", SIZES)
def test_duplicates_are_reported_and_queued_only_on_request(
    store: Store, no_workers: list[str], size: tuple[int, int]
) -> None:
    end(store, *running(store, "first", loss="mse"))

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await opened(app, pilot)
        await press(pilot, "ctrl+s")
        await until(pilot, lambda: bool(messages(app)))
        assert "nothing new: these runs exist already" in messages(app)[0]
        assert said(app, "#known") == "it exists already (run 1 done): left out; the command queues it anyway"
        await fill(app, pilot, loss="mse,mape")
        assert said(app, "#known") == "1 of 2 exists already (run 1 done): left out"
        assert "queue existing runs anyway" in screen_text(app)
        await press(pilot, "ctrl+g")
        await until(pilot, lambda: said(app, "#known").endswith("queued anyway"))
        assert said(app, "#command") == "$ ageui sweep --loss mse,mape --again"
        assert app.screen.query_one("#again", Checkbox).value
        await press(pilot, "ctrl+g")
        await until(pilot, lambda: said(app, "#known").endswith("left out"))
        await press(pilot, "ctrl+s")
        await until(pilot, lambda: isinstance(app.screen, RunsScreen))
        assert [one.config["loss"] for one in store.runs.search(order="id")] == ["mse", "mape"]

    use(store, scenario, size=size)


def test_a_run_that_ends_elsewhere_is_seen_by_the_open_form(store: Store) -> None:
    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await opened(app, pilot)
        assert not app.screen.query_one("#again").display
        queued(store, "elsewhere")
        await until(
            pilot,
            lambda: said(app, "#known") == "it exists already (run 1 queued): left out; the command queues it anyway",
        )

    use(store, scenario)


def test_a_form_whose_runs_are_being_queued_does_not_find_them(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        screen = await opened(app, pilot)
        await fill(app, pilot, name="mine")
        monkeypatch.setattr(app, "change", lambda change, then: queued(store, "mine"))
        await press(pilot, "ctrl+s")
        await until(pilot, lambda: said(app, "#outcome") == "queueing 1 run …", "it is queued")
        screen.refresh_soon()
        await settled(pilot)
        assert said(app, "#known") == ""
        assert "already" not in hint(app, "name")
        assert said(app, "#outcome") == "queueing 1 run …"

    use(store, scenario)


def test_the_command_is_copied(store: Store) -> None:
    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await opened(app, pilot)
        row(app, "loss").text = "mape"
        await press(pilot, "ctrl+y")
        await until(pilot, lambda: bool(messages(app)))
        assert app.clipboard == "ageui run --detach --loss mape"
        assert messages(app) == ["copied the command that queues these runs"]

    use(store, scenario)


def test_a_duplicate_starts_from_all_values_of_the_run(store: Store, no_workers: list[str]) -> None:
    queued(store, "model", loss="mape", weights="gender,age", batch=7)

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await press(pilot, "d")
        await until(pilot, lambda: is_open(app))
        assert row(app, "loss").query_one(Input).placeholder == "mape · run model"
        assert row(app, "preset").query_one(Input).placeholder == "run model · all its values"
        assert said(app, "#known") == "it exists already (run 1 queued): left out; the command queues it anyway"
        assert said(app, "#command") == (
            "$ ageui run --detach --preset quick --loss mape --weights gender,age --batch 7"
        )
        await fill(app, pilot, seed="1")
        await press(pilot, "ctrl+s")
        await until(pilot, lambda: isinstance(app.screen, RunsScreen))
        new = store.runs.get(2).config
        assert (new["loss"], new["weights"], new["batch"], new["seed"]) == ("mape", ["gender", "age"], 7, 1)

    use(store, scenario)


def test_ten_thousand_runs_are_planned_and_queued_while_the_form_answers(store: Store, no_workers: list[str]) -> None:
    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await opened(app, pilot)
        row(app, "seeds").text = "20000"
        await until(pilot, lambda: "give at most 10,000" in hint(app, "seeds"))
        row(app, "seeds").text = "10000"
        await until(pilot, lambda: said(app, "#outcome") == "10,000 runs: 10,000 seeds", seconds=120)
        assert said(app, "#command") == "$ ageui sweep --seeds 10000"
        await pilot.press("ctrl+s")
        await until(pilot, lambda: isinstance(app.screen, RunsScreen), seconds=120)
        assert store.runs.count() == 10_000

    use(store, scenario)
