"""The table of runs: what it shows, how it is steered, and that nothing of it is lost or parsed."""

import math
import re
from typing import Any

import pytest
from listed_rows import scored
from pilot import (
    HOSTILE,
    alive,
    column,
    done,
    messages,
    name_at_cursor,
    names,
    press,
    screen_text,
    settled,
    until,
    use,
)
from store_rows import end, epoch, queued, running, steps
from textual.pilot import Pilot
from textual.widgets import Input, OptionList

from ageui.present.marks import MEANINGS
from ageui.store import Store
from ageui.text.clean import clean
from ageui.tui.app import AgeUIApp
from ageui.tui.dialogs.prompts import ChoicePrompt
from ageui.tui.new_run.screen import NewRunScreen
from ageui.tui.prefs import Prefs, prefs_file
from ageui.tui.run.screen import RunScreen
from ageui.tui.widgets.filter_box import FilterBox
from ageui.tui.widgets.paged_table import PagedTable

pytestmark = pytest.mark.app

SIZES = [(80, 24), (120, 36), (200, 60)]


def test_an_empty_database_names_keys_to_press(store: Store) -> None:
    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        shown = screen_text(app)
        assert "No runs yet." in shown
        assert "new run: choose" in shown
        assert "cancel" not in shown.splitlines()[-1], "keys that need a run are not offered"
        await press(pilot, "slash", "x", "p")
        assert app.focused is app.screen.query_one(PagedTable)
        assert app.screen.query_one(FilterBox).text == ""

    use(store, scenario)


def test_keys_of_an_empty_database_never_go_to_the_hidden_filter(store: Store) -> None:
    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await press(pilot, "D", "escape", "n")
        assert isinstance(app.screen, NewRunScreen)
        await press(pilot, "escape")
        assert app.screen.query_one(FilterBox).text == ""
        queued(store, "first")
        await until(pilot, lambda: names(app) == ["first"])
        assert app.focused is app.screen.query_one(PagedTable)
        await press(pilot, "slash", "f")
        assert app.screen.query_one(FilterBox).text == "f"

    use(store, scenario)


@pytest.mark.parametrize("size", SIZES)
def test_every_state_is_shown_with_symbol_word_and_figures(store: Store, size: tuple[int, int]) -> None:
    done(store, "finished", loss="mape")
    run_id, attempt = running(store, "wild")
    with store.writing(run_id, attempt) as writer:
        writer.epoch(epoch(1, val_loss=math.nan, is_best=False))
        writer.end("diverged", "the loss is nan")
    end(store, *running(store, "broken"), "failed", "no such file")
    run_id, attempt, _lock = alive(store, "going")
    with store.writing(run_id, attempt) as writer:
        writer.steps(steps((40, 0.25)))
    store.queue.pause(queued(store, "resting"))
    queued(store, "waiting")

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        lines = screen_text(app).splitlines()[3:]
        assert [line.strip()[0] for line in lines[:7]] == ["▶", "·", "⏸", "✗", "↯", "✓", "–"]
        assert re.search(r"▓▓▓▓░░░░ 0/8 0:12 left", lines[0])
        assert "queued 1st" in lines[1]
        assert "paused 0/8" in lines[2]
        assert "failed 0/8 · no such file" in lines[3]
        assert "diverged 1/8 · the loss is nan" in lines[4]
        assert re.search(r"6\.00 +0\.50 ", lines[5])
        assert re.search(r"constant 30\.2 .* 11\.50 +2\.00 ", lines[6])

    use(store, scenario, size=size)


@pytest.mark.parametrize("size", SIZES)
def test_every_mark_in_the_table_is_explained_below_it(store: Store, size: tuple[int, int]) -> None:
    scored(store, "good")
    scored(store, "useless", (12.0, 2.5, 1.25, 0.75, 4.5), seed=1)

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        table, _, below = screen_text(app).rpartition("constant 30.2")
        shown = {mark for mark in MEANINGS if mark in table}
        assert shown == {"★", "~", "∅"}
        assert {mark for mark in MEANINGS if f"{mark} " in below.splitlines()[-2]} == shown

    use(store, scenario, size=size)


def test_enter_on_the_constant_says_what_the_row_is(store: Store) -> None:
    scored(store, "only")

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await press(pilot, "end", "enter")
        (message,) = messages(app)
        assert message.startswith("no run to open; this is the constant predictor: the train mean for every face")

    use(store, scenario)


def test_the_legend_says_which_runs_a_best_figure_competes_with(store: Store) -> None:
    scored(store, "one")
    scored(store, "two", seed=1)

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        assert "★ best  ~" in screen_text(app)
        scored(store, "elsewhere", (1.0, 0.1, 0.1, 0.1, 0.1), split="test", seed=2)
        await until(pilot, lambda: "★ best on most runs' images  ~" in screen_text(app), "the legend is narrower")
        await press(pilot, "f")
        assert "★" not in screen_text(app), "a single row competes"

    use(store, scenario)


def test_a_row_names_loss_weights_and_distinguishing_settings(store: Store) -> None:
    queued(store, "one", loss="mse", size=64, weights=("gender",))
    queued(store, "two", loss="mape", size=96)
    queued(store, "three", loss="mape", size=64)

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        assert names(app) == ["one", "two", "three"]
        assert column(app, "differs") == ["mse · gender", "mape · none · 96 px", "mape · none · 64 px"]

    use(store, scenario)


def test_runs_that_come_and_change_appear_by_themselves_and_the_cursor_stays_on_its_run(store: Store) -> None:
    first = queued(store, "first")
    queued(store, "second")

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await press(pilot, "down")
        assert name_at_cursor(app) == "second"
        _, _, _lock = alive(store, "now")
        await until(pilot, lambda: names(app) == ["now", "first", "second"])
        assert name_at_cursor(app) == "second"
        store.queue.cancel(first)
        await until(pilot, lambda: names(app) == ["now", "second", "first"])
        assert name_at_cursor(app) == "second"

    use(store, scenario)


def test_a_filter_is_applied_as_one_types_completed_and_explained_where_it_is_wrong(store: Store) -> None:
    queued(store, "one", loss="mape")
    queued(store, "two", loss="mse")

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await press(pilot, "slash", *"loss=map")
        assert names(app) == []
        await press(pilot, "right")  # takes the completion
        assert app.screen.query_one("#filter-text", Input).value == "loss=mape"
        assert names(app) == ["one"]
        assert "1 of 2 runs" in screen_text(app)
        app.screen.query_one(FilterBox).set_text("loss=mape los=mse")
        await settled(pilot)
        assert "unknown field 'los'" in screen_text(app)
        assert names(app) == ["one"], "a filter that is wrong leaves what is shown"
        await press(pilot, "escape")
        assert names(app) == ["one", "two"]
        assert app.focused is app.screen.query_one(PagedTable)

    use(store, scenario)


def test_letters_typed_into_the_filter_are_text_and_no_commands(store: Store) -> None:
    queued(store, "pxrtcdnz")

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await press(pilot, "slash", *"pxrtcdnz")
        assert app.screen.query_one(FilterBox).text == "pxrtcdnz"
        assert store.runs.get(1).status == "queued"

    use(store, scenario)


def test_a_screen_beneath_another_is_out_of_sight_and_up_to_date_once_seen_again(store: Store) -> None:
    queued(store, "first")

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        home = app.screen
        await press(pilot, "enter")
        await until(pilot, lambda: isinstance(app.screen, RunScreen))
        assert not home.is_current
        queued(store, "second")
        await until(pilot, lambda: app.queue_state is not None and app.queue_state.counts["queued"] == 2)
        await press(pilot, "escape")
        await until(pilot, lambda: names(app) == ["first", "second"] and "2 queued" in screen_text(app))
        await press(pilot, "question_mark")
        assert home.is_current, "in sight beneath a dialog"

    use(store, scenario)


def test_order_and_columns_are_chosen_and_remembered(store: Store) -> None:
    for name, loss in (("b", 0.5), ("a", 0.25), ("c", math.nan)):
        run_id, attempt = running(store, name)
        with store.writing(run_id, attempt) as writer:
            writer.epoch(epoch(1, val_loss=loss))
            writer.end("done", "")

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await press(pilot, "s")
        assert isinstance(app.screen, ChoicePrompt)
        options = app.screen.query_one(OptionList)
        options.highlighted = options.get_option_index("name")
        await press(pilot, "enter")
        assert names(app) == ["a", "b", "c"]
        await press(pilot, "S")
        assert names(app) == ["c", "b", "a"]
        assert "run↓" in screen_text(app)
        await press(pilot, "o")
        options = app.screen.query_one(OptionList)
        options.highlighted = options.get_option_index("note")
        await press(pilot, "space", "K", "enter")
        await until(pilot, lambda: "note" in screen_text(app).splitlines()[2])
        assert app.prefs.columns[-2:] == ("note", "epoch")

    use(store, scenario, prefs=Prefs())
    kept = Prefs.load()
    assert (kept.order, kept.columns[-2:]) == ("-name", ("note", "epoch"))

    async def again(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        assert names(app) == ["c", "b", "a"]

    use(store, again, prefs=kept)


def test_a_broken_file_of_preferences_is_as_good_as_none(store: Store) -> None:
    prefs_file().parent.mkdir(parents=True)
    prefs_file().write_text('{"theme": 3, "columns": "run"')
    assert Prefs.load() == Prefs()
    prefs_file().write_text('{"theme": "no-such", "columns": ["gone", "mae"], "order": "turn"}')

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        assert app.theme == "ageui-dark"
        assert screen_text(app).splitlines()[2].split() == ["setting", "MAE"]

    queued(store)
    use(store, scenario, prefs=Prefs.load())


@pytest.mark.parametrize("size", [(80, 24), (160, 50)])
def test_no_name_note_or_error_is_parsed(store: Store, size: tuple[int, int]) -> None:
    for name in HOSTILE:
        run_id, attempt = running(store, name)
        end(store, run_id, attempt, "failed", f"{name}\x1b[2J\u202e\x07 in {name}")
        store.edits.set_note(run_id, name)

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        table = app.screen.query_one(PagedTable)
        shown = column(app, "differs")  # the runs differ in nothing but their names
        for name in HOSTILE:
            table.cursor = shown.index(clean(name))
            await press(pilot, "m")
            assert app.screen.query_one(Input).value == name
            await press(pilot, "escape", "p", "enter")
            assert isinstance(app.screen, RunScreen)
            await press(pilot, "escape")
            app.tell(name, severity="error")
        await press(pilot, "question_mark", "escape")
        assert messages(app)[-1] == HOSTILE[-1]

    use(store, scenario, size=size)


def test_thousands_of_runs_are_read_a_page_at_a_time(store: Store) -> None:
    from ageui.store import NewRun
    from engine.config import PRESETS, build_config
    from engine.data.spec import BUILT_IN

    config = build_config(PRESETS["quick"])
    store.runs.add_many([NewRun(config, BUILT_IN, f"run-{number}") for number in range(2000)])

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        table = app.screen.query_one(PagedTable)
        assert table.total == 2000
        assert len(table.keys_in_view()) < 200
        await press(pilot, "end")
        await until(pilot, lambda: names(app)[-1:] == ["run-1999"])
        assert len(table.keys_in_view()) < 200
        assert "run-1999" in screen_text(app)
        await press(pilot, "home")
        await until(pilot, lambda: names(app)[:1] == ["run-0"])

    use(store, scenario)


def test_a_click_moves_the_cursor_a_title_sorts_and_a_double_click_opens(store: Store) -> None:
    for name in ("b", "a"):
        queued(store, name)

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        table = app.screen.query_one(PagedTable)
        await pilot.click(PagedTable, offset=(6, 2))
        assert table.cursor == 1
        await pilot.click(PagedTable, offset=(0, 1))
        assert table.selected == {1}
        await pilot.click(PagedTable, offset=(17, 0))
        await settled(pilot)
        assert names(app) == ["a", "b"]
        await pilot.click(PagedTable, offset=(6, 1), times=2)
        await settled(pilot)
        assert isinstance(app.screen, RunScreen)

    use(store, scenario, prefs=Prefs())


def test_the_cursor_comes_back_from_a_fold_to_the_run_it_left(store: Store) -> None:
    ids = [queued(store, f"seed-{seed}", seed=seed) for seed in range(3)]

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        app.screen.go_to_run(ids[2])
        await until(pilot, lambda: name_at_cursor(app) == "seed-2")
        await press(pilot, "f")
        assert app.screen.under_cursor() == tuple(ids)
        await press(pilot, "f")
        assert name_at_cursor(app) == "seed-2"

    use(store, scenario, prefs=Prefs())
