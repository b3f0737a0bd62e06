"""The form for new runs, by key and mouse: what it shows, queues and copies."""

from typing import Any

import pytest
from new_run_form import checked, fill, focused, hint, is_open, opened, row, said
from pilot import HOSTILE, messages, press, screen_text, until, use
from store_rows import config, epoch, queued, running
from textual.pilot import Pilot
from textual.widgets import Input, OptionList

from ageui.store import Store
from ageui.store.sqlite import driver
from ageui.text.clean import has_hidden
from ageui.tui.app import AgeUIApp
from ageui.tui.dialogs.prompts import ChoicePrompt
from ageui.tui.dialogs.value_picker import ValuePicker
from ageui.tui.new_run.screen import NewRunScreen
from ageui.tui.runs.screen import RunsScreen
from ageui.tui.widgets.field_row import FieldRow
from engine.config import PRESETS
from engine.data.spec import BUILT_IN, DataSpec

pytestmark = [pytest.mark.app, pytest.mark.usefixtures("empty_folder")]
SIZES = [(80, 24), (160, 50)]


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
        assert said(app, "#outcome") == "1 field to correct: loss"
        assert said(app, "#command") == ""
        await press(pilot, "backspace", "backspace", *"se,mape", "down", *"gender+age")
        await checked(app, pilot)
        assert hint(app, "loss") == "training loss, on ages divided by 100"
        assert row(app, "weights").text == "gender+age"
        assert said(app, "#outcome") == "2 runs: 2 losses"
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
        shown = " ".join(screen_text(app).split())
        assert "empty: mse, preset quick · → completes, ^l lists mse mae" in shown
        await press(pilot, *"mse,log")
        await until(pilot, lambda: row(app, "loss").query_one(Input)._suggestion == "mse,logcosh")
        await press(pilot, "right")
        assert row(app, "loss").text == "mse,logcosh"

    use(store, scenario, size=(80, 24))


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
        await until(pilot, lambda: isinstance(app.screen, ValuePicker))
        assert app.screen.query_one(OptionList).option_count == 6
        await press(pilot, "down", "enter")
        assert row(app, "weights").text == "gender"
        row(app, "epochs").focus_text()
        await press(pilot, "ctrl+l")
        assert messages(app) == ["epochs takes any value: epochs per stage"]

    use(store, scenario)


@pytest.mark.parametrize("size", SIZES[:1])
def test_the_field_one_is_in_is_always_in_view(store: Store, size: tuple[int, int]) -> None:
    queued(store, loss="mape")

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await opened(app, pilot)
        form = app.screen.query_one("#form")
        for key in [*["down"] * 35, *["up"] * 4]:
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
        await until(pilot, lambda: said(app, "#known").endswith("queued anyway"))
        assert "✓" in screen_text(app)
        assert app.focused is app.screen.query_one("#again")
        await press(pilot, "n")
        assert app.screen is screen
        await press(pilot, "f1")
        assert "Copy the equivalent command" in screen_text(app)

    use(store, scenario)


def test_reset_empties_the_form_and_leaving_a_filled_one_asks(store: Store) -> None:
    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        screen = await opened(app, pilot)
        await fill(app, pilot, loss="mape", seeds="3")
        await press(pilot, "escape")
        assert isinstance(app.screen, ChoicePrompt)
        assert "Keep editing" in screen_text(app)
        await press(pilot, "enter")
        assert app.screen is screen
        assert row(app, "loss").text == "mape"
        await press(pilot, "escape", "down", "enter")
        assert isinstance(app.screen, RunsScreen)
        screen = await opened(app, pilot)
        await fill(app, pilot, loss="mape", seeds="3")
        await press(pilot, "ctrl+r")
        await checked(app, pilot)
        assert said(app, "#command") == "$ ageui run --detach"
        await press(pilot, "escape")
        assert isinstance(app.screen, RunsScreen)

    use(store, scenario)


def test_the_form_names_the_command_for_folds(store: Store) -> None:
    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await opened(app, pilot)
        row(app, "data").focus_text()
        await until(pilot, lambda: "for folds of it, use ageui run --folds K" in said(app, "#field"))

    use(store, scenario, size=(80, 24))


def test_unused_fields_are_dim_and_name_their_condition(store: Store) -> None:
    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await opened(app, pilot)
        sigma = row(app, "dldl_sigma")
        assert (hint(app, "dldl_sigma"), sigma.has_class("-unused")) == ("only with loss dldl", True)
        assert hint(app, "bn_momentum") == "batch norm's momentum as Keras defines it; none: recipe"
        row(app, "dldl_sigma").focus_text()
        await press(pilot, "9")
        await checked(app, pilot)
        assert sigma.has_class("-unused")
        assert said(app, "#field").startswith("dldl_sigma: only used with loss dldl")
        await fill(app, pilot, loss="mse,dldl", dldl_sigma="")
        assert not sigma.has_class("-unused")
        assert hint(app, "dldl_sigma").startswith("spread of dldl labels")
        await fill(app, pilot, loss="mse,dldl", batch="many")
        assert (sigma.has_class("-unused"), hint(app, "bmc_sigma")) == (False, "only with loss balanced-mse")

    use(store, scenario, size=(80, 24))


def test_the_form_says_how_long_the_runs_take_and_from_which_runs(store: Store) -> None:
    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await opened(app, pilot)
        assert said(app, "#time") == "time: unknown until a run like these has finished on this device"
        run_id, attempt = running(store, **PRESETS["quick"])
        with store.writing(run_id, attempt) as writer:
            writer.epoch(epoch(1))
            writer.end("done", "", seconds=2.5)
        with driver().connect(str(store.path)) as raw:
            raw.execute("UPDATE attempt SET device = 'cpu'")
        await fill(app, pilot, seeds="2", seed="1")
        assert said(app, "#time") == "time: 0:13 each, 0:26 in all, from 1 run like these; less if stopped early"
        assert said(app, "#time") in screen_text(app)
        await fill(app, pilot, seed="x")
        assert said(app, "#time") == ""

    use(store, scenario, size=(80, 24))


@pytest.mark.parametrize("name", [*HOSTILE[::2], "p" * 90])
def test_hostile_names_are_shown_as_they_are(store: Store, name: str) -> None:
    store.data.add(DataSpec(name=name, format="synthetic"))
    run_id = store.runs.add(config(data=name), BUILT_IN.model_copy(update={"name": name}), name=name)

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


def test_no_text_that_is_typed_breaks_the_form(store: Store) -> None:
    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await opened(app, pilot)
        for text in ("\x1b[2Jx", "a\u202eb", "x" * 200, "[@click=app.quit]", "\ud800", "∞" * 50):
            await fill(app, pilot, **dict.fromkeys((one.field for one in app.screen.query(FieldRow)), text))
            assert "to correct" in said(app, "#outcome")
            assert not has_hidden(screen_text(app).replace("\n", ""))

    use(store, scenario)


def test_an_unreadable_database_is_reported(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await opened(app, pilot)
        from engine.errors import StoreError

        def gone() -> Any:
            raise StoreError("the database is away [/]")

        monkeypatch.setattr(store.data, "all", gone)
        row(app, "loss").text = "mape"
        await until(pilot, lambda: "the database is away [/]" in said(app, "#outcome"))

    use(store, scenario)
