"""The form for new runs, by key and mouse: what it shows, queues and copies."""

import threading
from typing import Any

import pytest
from pilot import HOSTILE, messages, press, screen_text, settled, until, use
from store_rows import end, queued, running
from textual.pilot import Pilot
from textual.widgets import Checkbox, Input, OptionList, Static

from ageui.store import Store
from ageui.text import has_hidden
from ageui.tui.app import AgeUIApp
from ageui.tui.new_run.check import Checked, Entered, FormCheck
from ageui.tui.screens.new_run import NewRunScreen
from ageui.tui.screens.pick import PickScreen
from ageui.tui.screens.prompts import ChoicePrompt
from ageui.tui.screens.runs import RunsScreen
from ageui.tui.widgets.field_row import FieldRow
from engine.data.spec import BUILT_IN, DataSpec

SIZES = [(80, 24), (160, 50)]


@pytest.fixture(autouse=True)
def _here(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("engine.cuda._DRIVERS", ())


def row(app: AgeUIApp, name: str) -> FieldRow:
    return app.screen.query_one(f"#row-{name.replace('_', '-')}", FieldRow)


def said(app: AgeUIApp, where: str) -> str:
    return str(app.screen.query_one(where, Static).content)


def hint(app: AgeUIApp, name: str) -> str:
    return str(row(app, name).query_one(".hint", Static).content)


def focused(app: AgeUIApp) -> str:
    parent = app.focused.parent if app.focused is not None else None
    return parent.field if isinstance(parent, FieldRow) else ""


def is_open(app: AgeUIApp) -> bool:
    return isinstance(app.screen, NewRunScreen) and app.screen._checked is not None


async def opened(app: AgeUIApp, pilot: "Pilot[Any]", like: int | None = None) -> NewRunScreen:
    app.open_new_run(like)
    await until(pilot, lambda: is_open(app), "the form is checked")
    assert isinstance(app.screen, NewRunScreen)
    return app.screen


async def fill(app: AgeUIApp, pilot: "Pilot[Any]", **texts: str) -> None:
    """Types texts, all at once, and waits until they are checked."""
    for name, text in texts.items():
        row(app, name).text = text
    await checked(app, pilot)


async def checked(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
    def is_checked() -> bool:
        screen = app.screen
        assert isinstance(screen, NewRunScreen)
        typed = {one.field: one.text.strip() for one in screen.query(FieldRow) if one.text.strip()}
        return screen._checked is not None and screen._checked.entered.texts == typed

    await until(pilot, is_checked, "what was typed is checked")


@pytest.mark.parametrize("size", SIZES)
def test_the_form_opens_with_the_config_in_force_and_one_run(store: Store, size: tuple[int, int]) -> None:
    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await press(pilot, "n")
        await until(pilot, lambda: is_open(app))
        assert focused(app) == "loss"
        shown = screen_text(app)
        assert "mse · preset quick" in shown
        assert "1 run" in shown
        assert "$ ageui run --detach" in shown
        assert "^s queue" in shown

    use(store, scenario, size=size)


@pytest.mark.parametrize("size", SIZES)
def test_a_wrong_value_is_said_beside_it_and_goes_when_it_is_right(store: Store, size: tuple[int, int]) -> None:
    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await opened(app, pilot)
        await press(pilot, *"mea")
        await checked(app, pilot)
        assert hint(app, "loss").startswith("✗ 'mea': choose one of mse")
        assert "✗ 'mea'" in screen_text(app)
        assert said(app, "#grid") == "1 field to be put right: loss"
        assert said(app, "#command") == ""
        await press(pilot, "backspace", "backspace", *"se,mape", "down", *"gender+age")
        await checked(app, pilot)
        assert hint(app, "loss") == "training loss, on ages divided by 100"
        assert row(app, "weights").text == "gender+age"
        assert said(app, "#grid") == "2 runs: 2 losses"
        assert said(app, "#command") == "$ ageui sweep --loss mse,mape --weights gender+age"

    use(store, scenario, size=size)


def test_keys_move_between_fields_and_lose_no_character(store: Store) -> None:
    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await opened(app, pilot)
        keys = [*"mape", "down", *"age", "enter", *"finetune", "tab", *"3", "up", "shift+tab", *"+gender"]
        await press(pilot, *keys)
        await checked(app, pilot)
        texts = {name: row(app, name).text for name in ("loss", "weights", "strategy", "epochs")}
        assert texts == {"loss": "mape", "weights": "age+gender", "strategy": "finetune", "epochs": "3"}
        assert focused(app) == "weights"

    use(store, scenario)


def test_values_are_completed(store: Store) -> None:
    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await opened(app, pilot)
        await press(pilot, *"mse,log")
        await until(pilot, lambda: row(app, "loss").query_one(Input)._suggestion == "mse,logcosh")
        await press(pilot, "right")
        assert row(app, "loss").text == "mse,logcosh"

    use(store, scenario)


def test_values_are_picked_from_a_list_one_or_several(store: Store) -> None:
    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await opened(app, pilot)
        await press(pilot, "ctrl+l", "down", "down", "enter")
        assert row(app, "loss").text == "mape"
        assert focused(app) == "loss"
        await press(pilot, "ctrl+l", "space", "up", "up", "space", "enter")
        assert row(app, "loss").text == "mse,mape"
        await press(pilot, "ctrl+l", "down", "escape")
        assert row(app, "loss").text == "mse,mape"
        await pilot.click("#row-weights .mark")
        await until(pilot, lambda: isinstance(app.screen, PickScreen))
        assert app.screen.query_one(OptionList).option_count == 5
        await press(pilot, "down", "enter")
        assert row(app, "weights").text == "gender"
        row(app, "epochs").focus_text()
        await press(pilot, "ctrl+l")
        assert messages(app) == ["epochs takes any value: epochs per stage"]

    use(store, scenario)


def test_queueing_goes_back_to_the_runs_and_says_what_was_queued(store: Store, no_workers: list[str]) -> None:
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
        rows = store.runs(order="id")
        assert [one.name for one in rows] == ["grid-1", "grid-2", "grid-3", "grid-4"]
        assert {(one.tags, one.priority, one.status) for one in rows} == {(("a", "night"), 3, "queued")}
        assert [(one.config["loss"], one.config["seed"]) for one in rows] == [
            ("mse", 0), ("mse", 1), ("mape", 0), ("mape", 1),
        ]  # fmt: skip
        assert no_workers == ["cpu"]

    use(store, scenario)


def test_what_is_wrong_is_not_queued_but_shown(store: Store) -> None:
    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await opened(app, pilot)
        await fill(app, pilot, min_delta="-1", device="cuda:0")
        row(app, "loss").focus_text()
        await press(pilot, "ctrl+s")
        await until(pilot, lambda: focused(app) == "min_delta")
        assert messages(app) == ["1 field to be put right: min_delta"]
        row(app, "min_delta").text = ""
        await press(pilot, "ctrl+s")
        await until(pilot, lambda: focused(app) == "device")
        assert "torch finds no CUDA device" in hint(app, "device")
        assert store.run_count() == 0

    use(store, scenario)


def test_what_was_typed_after_asking_to_queue_is_not_queued(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    goes_on = threading.Event()
    real = FormCheck.check

    def check(self: FormCheck, store: Store, entered: Entered) -> Checked:
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
        assert store.ids() == []

    use(store, scenario)


def test_a_check_that_fails_queues_nothing_later(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    real = FormCheck.check
    fails = [False]

    def check(self: FormCheck, store: Store, entered: Entered) -> Checked:
        if fails[0]:
            raise RuntimeError("never thought of")
        return real(self, store, entered)

    monkeypatch.setattr(FormCheck, "check", check)

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        screen = await opened(app, pilot)
        fails[0] = True
        await pilot.press("ctrl+s")
        await until(pilot, lambda: any("never thought of" in message for message in messages(app)))
        fails[0] = False
        screen.refresh_soon()
        await settled(pilot)
        assert store.ids() == []

    use(store, scenario)


def test_a_name_taken_in_the_meantime_keeps_the_form(store: Store, no_workers: list[str]) -> None:
    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        screen = await opened(app, pilot)
        await fill(app, pilot, name="mine", loss="mape")
        checked_before = screen._checked
        assert checked_before is not None
        queued(store, "mine")
        screen._queue(checked_before)
        await until(pilot, lambda: bool(messages(app)))
        assert "there is a run named 'mine' already" in messages(app)[0]
        assert app.screen is screen
        assert row(app, "loss").text == "mape"
        await until(pilot, lambda: "there is a run named 'mine'" in hint(app, "name"))
        row(app, "name").text = "other"
        await press(pilot, "ctrl+s")
        await until(pilot, lambda: isinstance(app.screen, RunsScreen))

    use(store, scenario)


@pytest.mark.parametrize("size", SIZES)
def test_duplicates_are_told_left_out_and_queued_only_when_wanted(
    store: Store, no_workers: list[str], size: tuple[int, int]
) -> None:
    end(store, *running(store, "first", loss="mse"))

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await opened(app, pilot)
        await press(pilot, "ctrl+s")
        await until(pilot, lambda: bool(messages(app)))
        assert "nothing new: all of this is there already" in messages(app)[0]
        assert said(app, "#known") == "it is there already (run 1 done): left out"
        await fill(app, pilot, loss="mse,mape")
        assert said(app, "#known") == "1 of 2 is there already (run 1 done): left out"
        assert "queue them all the same" in screen_text(app)
        await press(pilot, "ctrl+g")
        await until(pilot, lambda: said(app, "#known").endswith("queued all the same"))
        assert said(app, "#command") == "$ ageui sweep --loss mse,mape --again"
        assert app.screen.query_one("#again", Checkbox).value
        await press(pilot, "ctrl+g")
        await until(pilot, lambda: said(app, "#known").endswith("left out"))
        await press(pilot, "ctrl+s")
        await until(pilot, lambda: isinstance(app.screen, RunsScreen))
        assert [one.config["loss"] for one in store.runs(order="id")] == ["mse", "mape"]

    use(store, scenario, size=size)


def test_a_run_that_ends_elsewhere_is_seen_by_the_open_form(store: Store) -> None:
    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await opened(app, pilot)
        assert not app.screen.query_one("#again").display
        queued(store, "elsewhere")
        await until(pilot, lambda: said(app, "#known") == "it is there already (run 1 queued): left out")

    use(store, scenario)


@pytest.mark.parametrize("size", SIZES[:1])
def test_the_field_one_is_in_is_always_in_view(store: Store, size: tuple[int, int]) -> None:
    queued(store, loss="mape")

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await opened(app, pilot)
        form = app.screen.query_one("#form")
        for key in [*["down"] * 35, *["up"] * 35]:
            await pilot.press(key)
            await pilot.pause()
            assert app.focused is not None
            if focused(app):
                assert form.region.contains_region(app.focused.region), focused(app)
        # A panel that grows by the lines about duplicates takes room from the form.
        row(app, "deterministic").focus_text()
        await fill(app, pilot, loss="mse,mape")
        await until(pilot, lambda: "left out" in said(app, "#known"))
        await until(pilot, lambda: form.region.contains_region(row(app, "deterministic").region))

    use(store, scenario, size=size)


def test_the_tick_shows_without_colour_and_no_second_form_opens_on_the_first(store: Store) -> None:
    queued(store)

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        screen = await opened(app, pilot)
        assert "✓" not in screen_text(app)
        await pilot.click("#again")
        await until(pilot, lambda: said(app, "#known").endswith("queued all the same"))
        assert "✓" in screen_text(app)
        assert app.focused is app.screen.query_one("#again")
        await press(pilot, "n")
        assert app.screen is screen
        await press(pilot, "f1")
        assert "Copy the command that does the same" in screen_text(app)

    use(store, scenario)


def test_the_command_is_copied(store: Store) -> None:
    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await opened(app, pilot)
        row(app, "loss").text = "mape"
        await press(pilot, "ctrl+y")
        await until(pilot, lambda: bool(messages(app)))
        assert app.clipboard == "ageui run --detach --loss mape"
        assert messages(app) == ["copied: ageui run --detach --loss mape"]

    use(store, scenario)


def test_reset_empties_the_form_and_leaving_a_filled_one_asks(store: Store) -> None:
    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        screen = await opened(app, pilot)
        await fill(app, pilot, loss="mape", seeds="3")
        await press(pilot, "escape")
        assert isinstance(app.screen, ChoicePrompt)
        await press(pilot, "enter")
        assert app.screen is screen
        assert row(app, "loss").text == "mape"
        await press(pilot, "ctrl+r")
        await checked(app, pilot)
        assert said(app, "#command") == "$ ageui run --detach"
        await press(pilot, "escape")
        assert isinstance(app.screen, RunsScreen)

    use(store, scenario)


def test_a_duplicate_starts_from_all_values_of_the_run(store: Store, no_workers: list[str]) -> None:
    queued(store, "model", loss="mape", weights="gender,age", batch=7)

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await press(pilot, "d")
        await until(pilot, lambda: is_open(app))
        assert row(app, "loss").query_one(Input).placeholder == "mape · run model"
        assert row(app, "preset").query_one(Input).placeholder == "run model · all its values"
        assert said(app, "#known") == "it is there already (run 1 queued): left out"
        assert said(app, "#command") == (
            "$ ageui run --detach --preset quick --loss mape --weights gender,age --batch 7"
        )
        await fill(app, pilot, seed="1")
        await press(pilot, "ctrl+s")
        await until(pilot, lambda: isinstance(app.screen, RunsScreen))
        new = store.row(2).config
        assert (new["loss"], new["weights"], new["batch"], new["seed"]) == ("mape", ["gender", "age"], 7, 1)

    use(store, scenario)


@pytest.mark.parametrize("name", [*HOSTILE, "p" * 90])
def test_hostile_names_are_shown_as_they_are(store: Store, name: str) -> None:
    store.add_data_set(DataSpec(name=name, format="synthetic"))
    run_id = store.add_run(_with_data(name), BUILT_IN.model_copy(update={"name": name}), name=name)

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await opened(app, pilot, run_id)
        assert row(app, "loss").query_one(Input).placeholder == f"mse · run {name}"
        row(app, "data").focus_text()
        await press(pilot, "ctrl+l")
        assert app.screen.query_one(OptionList).option_count == 2
        await press(pilot, "escape")
        await fill(app, pilot, name=name, tags=name, loss=name, data=f"{name}x", init=name, device=name)
        assert hint(app, "loss").startswith("✗")
        await press(pilot, "ctrl+s")
        await press(pilot, "ctrl+y")
        await until(pilot, lambda: bool(messages(app)))
        assert isinstance(app.screen, NewRunScreen)

    use(store, scenario)


@pytest.mark.parametrize("text", ["\x1b[2Jx", "a\u202eb", "x" * 200, "[@click=app.quit]", "\ud800", "∞" * 50])
def test_no_text_that_is_typed_breaks_the_form(store: Store, text: str) -> None:
    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await opened(app, pilot)
        await fill(app, pilot, **dict.fromkeys((one.field for one in app.screen.query(FieldRow)), text))
        assert "to be put right" in said(app, "#grid")
        assert not has_hidden(screen_text(app).replace("\n", ""))

    use(store, scenario)


def test_a_database_that_cannot_be_read_is_told(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await opened(app, pilot)
        from engine.errors import StoreError

        def gone() -> Any:
            raise StoreError("the database is away [/]")

        monkeypatch.setattr(store, "data_sets", gone)
        row(app, "loss").text = "mape"
        await until(pilot, lambda: "the database is away [/]" in said(app, "#grid"))

    use(store, scenario)


def test_ten_thousand_runs_are_planned_and_queued_while_the_form_answers(store: Store, no_workers: list[str]) -> None:
    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await opened(app, pilot)
        row(app, "seeds").text = "20000"
        await until(pilot, lambda: "give at most 10,000" in hint(app, "seeds"))
        row(app, "seeds").text = "10000"
        await until(pilot, lambda: said(app, "#grid") == "10,000 runs: 10,000 seeds")
        assert said(app, "#command") == "$ ageui sweep --seeds 10000"
        await pilot.press("ctrl+s")
        await until(pilot, lambda: isinstance(app.screen, RunsScreen))
        assert store.run_count() == 10_000

    use(store, scenario)


def _with_data(name: str) -> Any:
    from store_rows import config

    return config(data=name)
