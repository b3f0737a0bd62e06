"""The table of runs at all sizes: its figures stay in view; folds, groups, sorting and live figures by keys."""

import re
from dataclasses import replace
from typing import Any

import pytest
from listed_rows import FIGURES, scored
from pilot import HOSTILE, alive, name_at_cursor, names, press, screen_text, settled, until, use
from store_rows import end, epoch, queued, steps
from textual.pilot import Pilot
from textual.widgets import OptionList

from ageui.store import Store
from ageui.tui.app import AgeUIApp
from ageui.tui.dialogs.prompts import ChoicePrompt
from ageui.tui.prefs import Prefs
from ageui.tui.run.screen import RunScreen
from ageui.tui.widgets.paged_table import PagedTable

pytestmark = pytest.mark.app

SIZES = [(80, 24), (100, 30), (120, 36), (160, 45), (200, 60)]
_NUMBER = r" +(\d+\.\d\d)[★~∅]*"


def lines_of(app: AgeUIApp) -> list[str]:
    """The lines of the table below its header."""
    region = app.screen.query_one(PagedTable).region
    return screen_text(app).splitlines()[region.y + 1 : region.bottom]


def places_of_figures(app: AgeUIApp) -> set[int]:
    """Where the last column of figures ends in each line that holds all five."""
    found = (re.search(_NUMBER * 5, line) for line in lines_of(app))
    return {match.end(5) for match in found if match is not None}


async def choose(app: AgeUIApp, pilot: "Pilot[Any]", key: str, answer: str) -> None:
    await press(pilot, key)
    assert isinstance(app.screen, ChoicePrompt)
    options = app.screen.query_one(OptionList)
    options.highlighted = options.get_option_index(answer)
    await press(pilot, "enter")


def test_all_figures_of_ten_runs_are_in_view_at_every_size_and_nothing_moves(store: Store) -> None:
    for number in range(30):
        scored(store, f"run-{number}", (6.0 + number, *FIGURES[1:]), seed=number)
    for name in HOSTILE[:5]:
        scored(store, name, seed=99, loss="mean-variance", weights=("gender", "age"))

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        for width, height in SIZES:
            await pilot.resize_terminal(width, height)
            await settled(pilot)
            await press(pilot, "home")
            shown = [line for line in lines_of(app) if re.search(_NUMBER * 5, line)]
            assert len(shown) >= 10, screen_text(app)
            assert "mse · none · s29" in screen_text(app) or height < 30
            at = places_of_figures(app)
            assert len(at) == 1, "the figures stand below each other"
            await press(pilot, "end")
            assert places_of_figures(app) == at
            await press(pilot, "f")
            assert len([line for line in lines_of(app) if re.search(_NUMBER * 5, line)]) >= 1 or height < 30
            await press(pilot, "f")

    use(store, scenario, prefs=Prefs())


def test_figures_stay_in_view_where_more_columns_were_chosen_than_fit(store: Store) -> None:
    scored(store, "calm-otter")
    prefs = Prefs(columns=("run", "note", "config.backbone", "mae", "gender", "expression", "ethnicity", "age", "tags"))

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        for _ in range(4):
            line = lines_of(app)[0]
            assert "calm-otter" in line
            assert re.search(r"6\.00 .* 0\.50~ .* 1\.25 .* 0\.75 .* 4\.50", line)
            await press(pilot, "right")
        assert "layer3" in lines_of(app)[0]

    use(store, scenario, prefs=prefs, size=(80, 24))


def test_seeds_fold_open_and_are_changed_together(store: Store) -> None:
    for seed, mae in enumerate((6.0, 7.0)):
        scored(store, f"done-{seed}", (mae, *FIGURES[1:]), seed=seed)
        queued(store, f"waits-{seed}", seed=seed, loss="mape")

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await press(pilot, "down", "f")
        assert names(app) == ["waits-0 +1", "done-0 +1"]
        assert name_at_cursor(app) == "waits-0 +1"
        assert "means over 2 seeds  ~ inside noise in each seed  untested, c tests them" in screen_text(app)
        assert re.search(r"×2 +6\.50 +±0\.71 +0\.50~ +±0\.00", lines_of(app)[1])
        await press(pilot, "x")
        await until(pilot, lambda: [store.runs.get(run).status for run in (2, 4)] == ["cancelled"] * 2)
        await press(pilot, "enter")
        assert [line for line in lines_of(app) if "└ seed 1 · waits-1" in line]
        await press(pilot, "down", "enter")
        assert isinstance(app.screen, RunScreen)
        await press(pilot, "escape", "space")
        assert app.screen.query_one(PagedTable).selected == {2}
        await press(pilot, "escape", "f")
        assert name_at_cursor(app) == "waits-1"

    use(store, scenario, prefs=Prefs(columns=("state", "run", "differs", "progress", "mae", "gender")), size=(140, 30))


def test_groups_have_headings_that_close_and_select(store: Store) -> None:
    for loss, mae in (("mse", 6.0), ("mse", 7.0), ("mape", 9.0)):
        scored(store, f"{loss}-{mae:g}", (mae, *FIGURES[1:]), loss=loss, seed=int(mae))

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await choose(app, pilot, "b", "loss")
        assert app.prefs.grouped == "loss"
        await press(pilot, "home")
        assert "loss mape · 1 run · best 9.00" in lines_of(app)[0]
        assert re.search(r"loss mse · 2 runs · best 6.00 +6\.50", lines_of(app)[2])
        assert [line.split()[0] for line in lines_of(app)[:6]] == ["⌄", "✓", "⌄", "✓", "✓", "–"]
        await press(pilot, "down", "down", "space")
        assert app.screen.query_one(PagedTable).selected == {1, 2}
        await press(pilot, "escape", "up", "enter")
        assert [line.split()[0] for line in lines_of(app)[:4]] == ["⌄", "✓", "›", "–"]
        await press(pilot, "p")
        assert store.runs.get(1).status == "done"

    use(store, scenario, prefs=Prefs(), size=(120, 30))


def test_the_order_by_a_hidden_column_is_named(store: Store) -> None:
    for size in (96, 64):
        scored(store, f"s{size}", size=size)

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await choose(app, pilot, "s", "size")
        assert "by size ↑" in screen_text(app)
        assert names(app) == ["s64", "s96"]
        await choose(app, pilot, "s", "mae")
        assert "by MAE ↑" in screen_text(app)
        assert "MAE↑" in screen_text(app)

    use(store, scenario, prefs=Prefs())


def test_a_run_that_trains_shows_its_progress_and_its_newest_figures(store: Store) -> None:
    run_id, attempt, _lock = alive(store, "going", seed=1)
    queued(store, "next", seed=2)

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        with store.writing(run_id, attempt) as writer:
            writer.steps(steps((40, 0.25)))
        await until(pilot, lambda: "▓▓▓▓░░░░ 0/8 0:12 left" in lines_of(app)[0])
        with store.writing(run_id, attempt) as writer:
            writer.epoch(replace(epoch(3), val_mae=8.125))
        await until(pilot, lambda: re.search(r"3/8 0:12 +8\.12", lines_of(app)[0]) is not None)
        assert "queued 1st" in lines_of(app)[1]
        end(store, run_id, attempt, "cancelled", "cancelled by the user")
        await until(
            pilot, lambda: any(re.search(r"⊘ .* 3/8 +8\.12", line) for line in lines_of(app)), "what it measured"
        )

    use(store, scenario, size=(80, 24), prefs=Prefs())
