"""The filter of the table of runs: always visible, completed, taken back, and remembered."""

import asyncio
from typing import Any

import pytest
from pilot import names, press, screen_text, settled, table_rows, until, use
from store_rows import queued
from textual import events
from textual.pilot import Pilot
from textual.widgets import Input

from ageui.store import Store
from ageui.store.sqlite import driver
from ageui.tui.app import AgeUIApp
from ageui.tui.prefs import Prefs
from ageui.tui.widgets.filter_box import FilterBox
from ageui.tui.widgets.filter_completion import FilterCompletion
from ageui.tui.widgets.paged_table import PagedTable

pytestmark = pytest.mark.app


@pytest.fixture
def two(store: Store) -> Store:
    queued(store, "one", tags=("night",), loss="mape")
    queued(store, "two", loss="mse")
    return store


def box(app: AgeUIApp) -> FilterBox:
    return app.screen.query_one(FilterBox)


def row(app: AgeUIApp) -> str:
    return screen_text(app).splitlines()[1]


def test_the_filter_takes_one_row_and_shows_its_text_and_result(two: Store) -> None:
    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        assert row(app).endswith("2 runs by state ↑")
        await press(pilot, "slash", *"loss=mape")
        for size in ((80, 24), (160, 45), (60, 16)):
            await pilot.resize_terminal(*size)
            await settled(pilot)
            assert row(app).startswith(" / loss=mape")
            assert box(app).size.height == 1
            assert app.cursor_position.y == 1
        await pilot.resize_terminal(80, 24)
        await settled(pilot)
        assert row(app).endswith("1 of 2 runs by state ↑")
        long = "loss=mape " + "x" * 200
        box(app).set_text(long)
        app.screen.query_one(Input).cursor_position = len(long)
        await settled(pilot)
        assert row(app).split()[1].endswith("xxxx"), "the end, where the cursor is"

    use(two, scenario, prefs=Prefs())


def test_keys_right_after_the_filter_key_are_text_and_no_command(two: Store) -> None:
    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        assert "/ filter" in screen_text(app).splitlines()[-1]
        for character in "/x/p":
            app.post_message(events.Key("slash" if character == "/" else character, character))
        await until(pilot, lambda: box(app).text == "x/p")
        assert "/ filter" not in screen_text(app).splitlines()[-1]
        assert {one.status for one in two.runs.search()} == {"queued"}

    use(two, scenario, prefs=Prefs())


def test_a_problem_is_shown_beside_the_filter_and_keeps_the_focus(two: Store) -> None:
    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await press(pilot, "slash", *"los=mse", "enter")
        assert row(app).split("  ")[0] == " / los=mse"
        assert row(app).endswith("unknown field 'los'; did you mean 'loss'?")
        assert app.focused is app.screen.query_one(Input), "the table still shows the runs of another filter"
        await press(pilot, "escape")
        assert row(app).endswith("2 runs by state ↑")

    use(two, scenario, size=(80, 24), prefs=Prefs())


def test_escape_restores_the_filter_and_enter_keeps_it(two: Store) -> None:
    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        table = app.screen.query_one(PagedTable)
        await press(pilot, "slash", *"loss=mape", "enter")
        assert app.focused is table
        await press(pilot, "slash", "home", "z", "escape", "slash", *"tag=night", "escape")
        assert box(app).text == "loss=mape"
        for key in ("end", "right"):
            await press(pilot, "slash", *"tag=none", "escape", "slash", key, *" zzz")
            assert box(app).text == "loss=mape zzz", "kept, and typed at the end"
            await press(pilot, "escape")
        await press(pilot, "slash", *"zzz")
        assert box(app).text == "zzz", "typing replaces the old filter"
        assert table_rows(app) == []
        await press(pilot, "escape")
        assert (box(app).text, names(app)) == ("loss=mape", ["one"])
        assert app.focused is table
        await press(pilot, "escape")
        assert (box(app).text, names(app)) == ("", ["one", "two"])

    use(two, scenario, prefs=Prefs())


def test_tab_completes_names_values_and_tags_and_moves_on_without_a_suggestion(two: Store) -> None:
    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        for typed, whole in (("los", "loss="), ("loss=map", "loss=mape"), ("x tag=n", "x tag=night")):
            await press(pilot, "slash", "ctrl+u", *typed)
            await until(pilot, lambda whole=whole: f"/ {whole} " in screen_text(app), "suggested")
            await press(pilot, "tab")
            assert box(app).text == whole
        await press(pilot, "tab")
        assert app.focused is not app.screen.query_one(Input)

    use(two, scenario, prefs=Prefs())


def test_a_value_with_hidden_characters_is_not_suggested(two: Store) -> None:
    with driver().connect(str(two.path)) as raw:
        raw.execute("UPDATE run_tag SET tag = 'night' || char(27) || '[2J'")
    completion = FilterCompletion(two)
    assert asyncio.run(completion.get_suggestion("tag=ni")) is None


def test_earlier_filters_come_back_newest_first_once_each_and_in_the_next_session(two: Store) -> None:
    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        for text in ("loss=mape", "tag=night", "loss=mape", "no-such"):
            await press(pilot, "slash", "ctrl+u", *text, "enter")
        await press(pilot, "slash", "ctrl+u", *"mae<", "escape")

    use(two, scenario, prefs=Prefs())
    kept = Prefs.load()
    assert kept.filters == ("no-such", "loss=mape", "tag=night")

    async def again(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        seen = []
        await press(pilot, "slash", *"tw")
        for key in ("up", "up", "up", "up", "down", "down", "down"):
            await press(pilot, key)
            seen.append(box(app).text)
        assert seen == ["no-such", "loss=mape", "tag=night", "tag=night", "loss=mape", "no-such", "tw"]
        await press(pilot, "down")
        assert app.focused is app.screen.query_one(PagedTable)
        assert names(app) == ["two"]

    use(two, again, prefs=kept)


def test_a_filter_that_finds_nothing_is_explained_with_keys_to_press(two: Store) -> None:
    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await press(pilot, "slash", *"loss=mpe mape tag=day one", "enter")
        shown = screen_text(app)
        assert "No run matches loss=mpe mape tag=day one" in shown
        assert "finds none; runs have loss=mape" in shown
        assert "finds none by its name; did you mean loss=mape?" in shown
        assert "runs have tag=night" in shown
        assert "alone finds 1 run" in shown
        await press(pilot, "escape")
        assert names(app) == ["one", "two"]
        store_ids = two.runs.ids()
        two.queue.cancel(store_ids)
        two.edits.archive(store_ids)
        await settled(pilot)
        await press(pilot, "slash", *"archived=true", "enter")
        assert names(app) == ["two", "one"]
        await press(pilot, "escape")
        assert "All runs are archived." in screen_text(app)
        assert "filter by archived=true" in screen_text(app)

    use(two, scenario, prefs=Prefs())


@pytest.mark.parametrize(
    "stored",
    [
        '{"theme": 3, "columns": "run", "order": [], "filters": {"a": 1}, "preview": "yes", "folded": 1}',
        "[1, 2]",
        '{"later": {}}',
        "",
    ],
)
def test_each_preference_of_another_form_is_the_default(stored: str, tmp_path: Any) -> None:
    path = tmp_path / "tui.json"
    path.write_text(stored)
    assert Prefs.load(path) == Prefs()
    path.write_text('{"theme": "ageui-light", "columns": 3}')
    assert Prefs.load(path) == Prefs(theme="ageui-light")


def test_an_invalid_filter_after_an_empty_result_says_its_problem(two: Store) -> None:
    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await press(pilot, "slash", *"zzz")
        assert "No run matches zzz" in screen_text(app)
        await press(pilot, *"=3")
        assert "No run matches" not in screen_text(app)
        assert "The filter is not valid yet." in screen_text(app)
        assert screen_text(app).count("unknown field 'zzz'") == 2
        await press(pilot, "backspace", "backspace")
        assert "No run matches zzz" in screen_text(app)

    use(two, scenario, prefs=Prefs())


def test_long_lines_of_an_empty_result_keep_their_indent(two: Store) -> None:
    word = "very-long-" * 14

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await press(pilot, "slash", *word)
        lines = screen_text(app).splitlines()
        first = next(place for place, line in enumerate(lines) if "finds none" in line)
        indents = [len(line) - len(line.lstrip()) for line in lines[first : first + 3]]
        assert indents == [indents[0]] * 3

    use(two, scenario, size=(80, 24), prefs=Prefs())
