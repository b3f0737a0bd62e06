"""The one table of keys: nothing in it is dead, doubled, or missing from what is made of it."""

from typing import Any

import pytest
from pilot import done, press, screen_text, settled, until, use
from store_rows import queued
from textual.containers import VerticalScroll
from textual.pilot import Pilot

from ageui.present.marks import MEANINGS
from ageui.store import Store
from ageui.tui import keys
from ageui.tui.app import AgeUIApp
from ageui.tui.chart.chart import Chart
from ageui.tui.compare.screen import CompareScreen
from ageui.tui.data.screen import DataScreen
from ageui.tui.dialogs.help import HelpScreen
from ageui.tui.dialogs.prompts import LinePrompt
from ageui.tui.messages import OpenComparison, OpenRun
from ageui.tui.new_run.screen import NewRunScreen
from ageui.tui.run.screen import RunScreen
from ageui.tui.run.worst_errors import WorstErrors
from ageui.tui.runs.screen import RunsScreen
from ageui.tui.studies.screen import StudiesScreen
from ageui.tui.studies.study_runs import StudyRunsScreen
from ageui.tui.studies.study_screen import StudyScreen
from ageui.tui.widgets.filter_box import FilterBox

pytestmark = pytest.mark.app

OWNERS: dict[str, type] = {
    keys.EVERYWHERE: AgeUIApp,
    keys.RUNS: RunsScreen,
    keys.FILTER: FilterBox,
    keys.RUN: RunScreen,
    keys.WORST: WorstErrors,
    keys.CURVES: Chart,
    keys.NEW: NewRunScreen,
    keys.COMPARE: CompareScreen,
    keys.STUDIES: StudiesScreen,
    keys.STUDY: StudyScreen,
    keys.STUDY_RUNS: StudyRunsScreen,
    keys.DATA: DataScreen,
}


@pytest.mark.parametrize("place", keys.TABLE)
def test_every_key_of_a_place_is_there_once_and_does_something(place: str) -> None:
    names = [name for key in keys.TABLE[place] for name in key.keys.split(",")]
    assert len(names) == len(set(names))
    for key in keys.TABLE[place]:
        namespace, _, action = key.action.partition("(")[0].rpartition(".")
        owner = AgeUIApp if namespace == "app" else OWNERS[place]
        assert hasattr(owner, f"action_{action}"), key.action
        assert key.what
        assert key.label


def test_keys_of_the_chart_hide_no_key_of_the_screens_it_is_on() -> None:
    chart = {name for key in keys.TABLE[keys.CURVES] for name in key.keys.split(",")}
    for place in (keys.RUN, keys.COMPARE):
        assert not chart & {name for key in keys.TABLE[place] for name in key.keys.split(",")}, place


def test_help_and_palette_list_the_keys_of_the_open_screen(store: Store) -> None:
    queued(store, "only")

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await press(pilot, "question_mark")
        assert isinstance(app.screen, HelpScreen)
        shown = screen_text(app)
        assert "Pause: a running run writes a checkpoint and stops" in shown
        await press(pilot, "escape")
        titles = [command.title for command in app.get_system_commands(app.screen_stack[0])]
        assert any(title.startswith("Edit the run's note") for title in titles)
        assert any(title.startswith("Theme ageui-light") for title in titles)
        assert len(titles) == len(set(titles))

    use(store, scenario, size=(120, 50))


def test_the_palette_opens_finds_a_key_and_runs_it(store: Store) -> None:
    queued(store, "only")

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await pilot.press("ctrl+p")
        await until(pilot, lambda: "Search for commands" in screen_text(app), "the palette opens")
        await pilot.press(*"edit the run's note")
        await until(pilot, lambda: "Edit the run's note (m)" in screen_text(app), "it finds one")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, LinePrompt), "and does it")

    use(store, scenario)


def test_themes_go_round_and_are_remembered(store: Store) -> None:
    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        seen = [app.theme]
        for _ in range(4):
            await press(pilot, "T")
            seen.append(app.theme)
        assert seen[0] == seen[4]
        assert len(set(seen)) == 4
        assert app.prefs.theme == seen[4]

    use(store, scenario)


def test_help_lists_the_keys_of_the_focused_widget_too_in_groups_and_searches_them(store: Store) -> None:
    queued(store, "only")

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await press(pilot, "question_mark")
        text = screen_text(app)
        groups = [text.index(title) for title in ("This screen", "Select, move down", "Table", "Page down")]
        assert groups == sorted(groups)
        await press(pilot, *"theme")
        text = screen_text(app)
        assert "Every screen" in text
        assert "Next theme" in text
        assert "Select, move down" not in text
        await press(pilot, *"zz")
        assert "Nothing matches themezz" in screen_text(app)
        await press(pilot, "escape", "question_mark")
        app.screen.query_one(VerticalScroll).scroll_end(animate=False)
        await pilot.pause()
        shown = screen_text(app)
        assert all(f"{mark} " in shown for mark in MEANINGS)
        await pilot.resize_terminal(80, 24)
        await press(pilot, *["pagedown"] * 5)
        assert "‖ interrupted" in " ".join(screen_text(app).split()), "it scrolls to its end, below the marks"

    use(store, scenario, size=(100, 60))


def test_the_palette_is_ordered_by_use_and_has_a_line_per_entry(store: Store) -> None:
    queued(store, "only")

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await pilot.press("ctrl+p")
        await until(pilot, lambda: "Open the run" in screen_text(app), "it lists the commands")
        lines = [line.strip() for line in screen_text(app).splitlines()]
        first = next(number for number, line in enumerate(lines) if line.startswith("Open the run"))
        whats = [key.what for key in keys.TABLE[keys.RUNS]]
        assert [line.rpartition(" (")[0] for line in lines[first : first + len(whats)]] == whats
        titles = [command.title.rpartition(" (")[0] for command in app.get_system_commands(app.screen_stack[0])]
        every = [key.what for key in keys.TABLE[keys.EVERYWHERE] if key.action != "back"]
        assert [title for title in titles if title in every] == every
        assert titles.index(every[0]) > titles.index(whats[-1])

    use(store, scenario, size=(120, 60))


def test_keys_of_curves_act_wherever_the_focus_is(store: Store) -> None:
    run_id = done(store, "scored")

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        app.post_message(OpenRun(run_id))
        await until(pilot, lambda: isinstance(app.screen, RunScreen), "the run opens")
        chart = app.screen.query_one(Chart)
        app.screen.query_one("#groups-pane").focus()
        await press(pilot, "l", "right_square_bracket")
        assert chart.log_y
        assert chart.smoothing > 0
        await press(pilot, "question_mark")
        assert "Toggle the logarithmic y axis" in screen_text(app)
        await press(pilot, "escape", "escape")
        app.post_message(OpenComparison((run_id, done(store, "other", loss="mape"))))
        await until(pilot, lambda: isinstance(app.screen, CompareScreen), "the comparison opens")
        await settled(pilot)
        chart = app.screen.query_one(Chart)
        assert not chart.has_focus
        await press(pilot, "l")
        assert chart.log_y

    use(store, scenario, size=(120, 60))
