"""Which runs stand side by side: added from a list, taken out, and compared with a baseline."""

from typing import Any

import pytest
from compared_rows import done, intervals, keys, lines, opened, shown
from pilot import messages, press, screen_text, until, use
from store_rows import queued
from textual.pilot import Pilot
from textual.widgets import Input, OptionList

from ageui.store import Store
from ageui.study.publish import publish
from ageui.tui.app import AgeUIApp
from ageui.tui.compare.run_picker import RunPicker
from ageui.tui.compare.screen import CompareScreen
from ageui.tui.run.screen import RunScreen

pytestmark = pytest.mark.app


def test_the_baseline_goes_round_runs_constant_and_none(store: Store, runs: tuple[int, ...]) -> None:
    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        screen = await opened(app, pilot, runs)
        seen = []
        for _ in range(4):
            seen.append(lines(screen)[1].split("◂ baseline")[0].count("seeds") if "◂" in lines(screen)[1] else None)
            seen.append(shown(app, "#about").split("baseline ")[1])
            await keys(pilot, screen, "b")
        assert seen[1::2] == ["mse", "mape", "constant 35.0", "none"]
        assert seen[6] is None, "without a baseline no column is one"
        assert "baseline mse" in shown(app, "#about")

    use(store, scenario)


def test_a_single_run_asks_for_others_and_takes_several(store: Store, runs: tuple[int, ...]) -> None:
    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        screen = await opened(app, pilot, runs[:1])
        picker = app.screen
        assert isinstance(picker, RunPicker)
        options = picker.query_one(OptionList)
        await until(pilot, lambda: options.option_count == 2, "the others are listed")
        await press(pilot, *"loss=mape")
        await until(pilot, lambda: options.option_count == 1, "the filter is applied")
        await press(pilot, "enter")
        await until(pilot, lambda: options.option_count == 0, "what was added is not listed any more")
        picker.query_one(Input).value = "los=mape"
        await until(pilot, lambda: "unknown field 'los'" in screen_text(app), "a wrong filter is explained")
        picker.query_one(Input).value = ""
        await until(pilot, lambda: options.option_count == 1, "the last one is listed")
        await press(pilot, "enter", "escape")
        await until(pilot, lambda: app.screen is screen)
        await intervals(pilot, screen)
        assert lines(screen)[0].split() == ["■", "mse", "□", "mape", "constant", "35.0"]
        assert "baseline mse" in shown(app, "#about")

    use(store, scenario)


def test_the_choice_of_no_baseline_survives_another_run(store: Store, runs: tuple[int, ...]) -> None:
    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        screen = await opened(app, pilot, runs[:2])
        while "baseline none" not in shown(app, "#about"):
            await press(pilot, "b")
        await press(pilot, "a")
        await until(pilot, lambda: app.screen.query_one(OptionList).option_count == 1, "the other run is listed")
        await press(pilot, "enter", "escape")
        await until(pilot, lambda: app.screen is screen and "3 runs" in shown(app, "#about"))
        assert "baseline none" in shown(app, "#about")

    use(store, scenario)


def test_a_single_run_is_shown_by_itself_when_no_other_is_wanted(store: Store, runs: tuple[int, ...]) -> None:
    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        screen = await opened(app, pilot, runs[2:])
        await press(pilot, "escape")
        await intervals(pilot, screen)
        assert lines(screen)[0].split() == ["□", "mape", "constant", "35.0"]
        await press(pilot, "x")
        assert messages(app) == ["this is the last run; esc closes the comparison"]
        await press(pilot, "escape")
        assert not isinstance(app.screen, CompareScreen)

    use(store, scenario)


def test_dropping_the_baseline_takes_another_and_adding_has_a_limit(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ageui.tui.compare.screen.MOST_COMPARED", 12)
    ids = tuple(done(store, f"run-{place}", 4.0 + place, batch=8 + place) for place in range(12))

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        screen = await opened(app, pilot, ids)
        await press(pilot, "a")
        assert messages(app) == ["a comparison holds at most 12 runs; x removes one"]
        await keys(pilot, screen, "x")
        assert "11 runs" in shown(app, "#about")
        assert "baseline batch 9" in shown(app, "#about")
        await press(pilot, "enter")
        assert isinstance(app.screen, RunScreen)

    use(store, scenario)


def test_a_published_run_is_no_baseline_among_measured_ones(store: Store, runs: tuple[int, ...]) -> None:
    publish(store)
    published = store.runs.find_one("report/table8/mape-16")

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await opened(app, pilot, (published, *runs))
        assert "baseline none" not in shown(app, "#about")
        assert "published figures" not in shown(app, "#notes")
        assert "◂" in screen_text(app)

    use(store, scenario)


def test_a_baseline_without_scores_is_named(store: Store, runs: tuple[int, ...]) -> None:
    waiting = queued(store, "waiting", loss="huber")

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await opened(app, pilot, (waiting, *runs))
        assert "(no scores)" in shown(app, "#about").split("baseline ")[1]

    use(store, scenario)


@pytest.mark.parametrize("key", ["vertical_line", "d", "g", "e", "i"])
def test_keys_for_the_table_bring_it_back(store: Store, runs: tuple[int, ...], key: str) -> None:
    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        screen = await opened(app, pilot, runs)
        await press(pilot, "F")
        while not screen.has_class("-pictures-only"):
            await press(pilot, "F")
        assert not screen.table.display
        await keys(pilot, screen, key)
        assert screen.table.display
        assert app.focused is screen.table

    use(store, scenario)
