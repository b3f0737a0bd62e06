"""Saved views of the table of runs: shown, kept, replaced, deleted, undone, and read from other versions."""

import json
from typing import Any

import pytest
from pilot import messages, names, press, screen_text, settled, until, use
from store_rows import queued
from textual.pilot import Pilot
from textual.widgets import OptionList

from ageui.store import Store
from ageui.tui.app import AgeUIApp
from ageui.tui.prefs import Prefs
from ageui.tui.runs.saved_views import keep_view, saved_views, views_file
from ageui.tui.runs.table_view import BUILT_IN, TableView
from ageui.tui.runs.view_picker import ViewPicker
from ageui.tui.widgets.filter_box import FilterBox
from ageui.tui.widgets.paged_table import PagedTable
from engine.errors import ConfigError

pytestmark = pytest.mark.app


@pytest.fixture
def two(store: Store) -> Store:
    queued(store, "one", loss="mape")
    queued(store, "two", loss="mse")
    return store


async def choose(app: AgeUIApp, pilot: "Pilot[Any]", name: str, key: str) -> None:
    await press(pilot, "f3")
    screen = app.screen
    assert isinstance(screen, ViewPicker)
    screen.query_one(OptionList).highlighted = list(screen._views).index(name)
    await press(pilot, key)


def test_a_view_is_saved_shown_replaced_deleted_and_each_is_undone(two: Store) -> None:
    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        prefs, box = app.prefs, app.screen.query_one(FilterBox)
        prefs.order, prefs.folded = "-name", True
        await press(pilot, "slash", *"loss=mape", "enter", "f3", "s", *"[/] mine", "enter")
        assert messages(app)[-1] == "view [/] mine saved; u undoes it"
        kept = TableView("loss=mape", order="-name", folded=True)
        assert saved_views() == {"[/] mine": kept}
        await choose(app, pilot, "all runs", "enter")
        assert (box.text, prefs.order, prefs.folded) == ("", "turn", False)
        assert names(app) == ["one", "two"]
        assert app.screen.query_one(PagedTable).cursor == 0, "a view begins at its top"
        await choose(app, pilot, "[/] mine", "enter")
        assert (box.text, prefs.order, prefs.folded) == ("loss=mape", "-name", True)
        assert "1 of 2 runs by run ↓ · folded" in screen_text(app)
        await press(pilot, "f3")
        assert "● [/] mine" in screen_text(app)
        await press(pilot, "escape")
        box.set_text("two")
        await settled(pilot)
        await choose(app, pilot, "[/] mine", "r")
        assert saved_views()["[/] mine"].filter == "two"
        await press(pilot, "u")
        assert saved_views() == {"[/] mine": kept}
        await choose(app, pilot, "[/] mine", "x")
        assert saved_views() == {}
        await press(pilot, "u")
        assert saved_views() == {"[/] mine": kept}
        await choose(app, pilot, "demo", "x")
        assert "demo is built in and cannot be changed" in screen_text(app)

    use(two, scenario, size=(120, 36), prefs=Prefs())


def test_every_view_that_is_built_in_can_be_shown(two: Store) -> None:
    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        for name, view in BUILT_IN.items():
            assert view.usable() == (view, [])
            await choose(app, pilot, name, "enter")
            assert not app.screen.query_one(FilterBox).has_class("-wrong"), name
        assert messages(app) == []
        await choose(app, pilot, "training and queued", "enter")
        assert names(app) == ["one", "two"]

    use(two, scenario, prefs=Prefs())


def test_views_of_other_versions_are_shown_as_far_as_they_can_be_and_kept_whole(two: Store) -> None:
    views_file().parent.mkdir(parents=True, exist_ok=True)
    newer = {"columns": ["run", "gone"], "order": "gone", "filter": "gone=1", "grouped": "gone", "later": [1]}
    views_file().write_text(json.dumps({"newer": newer, "odd": 3}))

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await choose(app, pilot, "newer", "enter")
        said = "\n".join(messages(app))
        assert "view newer: its filter is left out: unknown field 'gone'" in said
        assert "this version has no column gone" in said
        assert (app.prefs.order, app.prefs.grouped, app.prefs.columns) == ("turn", "", ("run",))
        await choose(app, pilot, "odd", "enter")
        assert names(app) == ["one", "two"]
        await press(pilot, "f3", "s", *"mine", "enter")
        await until(pilot, lambda: "mine" in saved_views())
        stored = json.loads(views_file().read_text())
        assert (stored["newer"], stored["odd"]) == (newer, 3)
        views_file().write_text("{broken")
        await press(pilot, "f3")
        assert "cannot be read" in messages(app)[-1]
        await press(pilot, "s", *"other", "enter")
        assert "fix it, or move it away" in messages(app)[-1]
        assert views_file().read_text() == "{broken"

    use(two, scenario, size=(120, 36), prefs=Prefs())


def test_only_figures_have_an_order_by_deviation() -> None:
    view, problems = TableView(order="val_loss_std", folded=True).usable()
    assert (view.order, len(problems)) == ("turn", 1)
    assert TableView(order="mae_std", folded=True).usable() == (TableView(order="mae_std", folded=True), [])
    assert TableView(order="mae_std", folded=True).sentence() == "all runs · by std of MAE ↑ · folded"
    assert TableView(order="mae_std").sentence() == "all runs · by MAE ↑"


@pytest.mark.parametrize("name", ["", " ", "demo", "7", "a\x1bb", "x" * 101])
def test_a_view_takes_no_name_that_cannot_be_shown_or_is_built_in(store: Store, name: str) -> None:
    with pytest.raises(ConfigError, match=r"name of a view|built in"):
        keep_view(name, TableView())(store)
    assert not views_file().exists()


def test_an_undo_leaves_a_view_that_was_changed_in_the_meantime(store: Store) -> None:
    made = keep_view("mine", TableView("a"))(store)
    keep_view("mine", TableView("b"))(store)
    assert made.undo is not None
    assert "changed in the meantime" in made.undo(store).problems[0]
    assert saved_views() == {"mine": TableView("b")}
