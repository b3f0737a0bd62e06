"""The curves under a comparison: their colours and markers, and when they are shown."""

from typing import Any

import pytest
from compared_rows import done, keys, lines, opened
from pilot import press, screen_text, until, use
from textual.pilot import Pilot

from ageui.store import Store
from ageui.tui.app import AgeUIApp
from ageui.tui.chart.chart import Chart
from ageui.tui.compare.pictures import Pictures
from ageui.tui.widgets.side_by_side import SideBySide

pytestmark = pytest.mark.app


def test_curves_have_the_colours_and_markers_of_their_columns(store: Store, runs: tuple[int, ...]) -> None:
    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        screen = await opened(app, pilot, runs)
        chart = screen.query_one(Chart)
        assert chart.display
        assert "validation MAE" in screen_text(app), "losses differ, so that their values say nothing"
        await keys(pilot, screen, "m")
        await until(pilot, lambda: "validation loss" in screen_text(app))
        before = {one.label: (one.color, one.marker) for one in chart._series}
        assert [marker for _, marker in before.values()] == ["■", "□"]
        await keys(pilot, screen, "x")
        after = {one.label: (one.color, one.marker) for one in chart._series}
        assert list(after.values()) == [before["mape"]], "whatever else is shown"
        await press(pilot, "c")
        assert chart.display
        assert not screen.query_one(SideBySide).display
        assert app.focused is chart
        await press(pilot, "l", "right_square_bracket", "left")
        await press(pilot, "c")
        assert not screen.query_one(Pictures).display
        assert screen.query_one(SideBySide).has_focus

    use(store, scenario)


def test_many_runs_have_curves_that_are_told_apart(store: Store) -> None:
    ids = [done(store, f"run-{batch}-{seed}", 4.0, batch=batch, seed=seed) for batch in range(8, 22) for seed in (1, 2)]

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        screen = await opened(app, pilot, tuple(ids))
        await press(pilot, "c")
        looks = [(one.color, one.marker) for one in screen.query_one(Chart)._series]
        assert len(looks) == len(set(looks)) == 14
        rows = [line.split()[0] for line in lines(screen)[1:15]]
        assert rows == [marker for _, marker in looks], "as in their rows"
        await keys(pilot, screen, "f")
        assert sum("batch" in line for line in lines(screen)[1:]) == 28

    use(store, scenario)


def test_no_curves_where_there_is_no_room_until_asked_for(store: Store, runs: tuple[int, ...]) -> None:
    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        screen = await opened(app, pilot, runs)
        assert not screen.query_one(Pictures).display
        await press(pilot, "c")
        assert screen.query_one(Chart).display
        assert screen.query_one(Pictures).display

    use(store, scenario, size=(80, 24))


def test_every_theme_draws_the_screen(store: Store, runs: tuple[int, ...]) -> None:
    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        screen = await opened(app, pilot, runs)
        colors = set()
        for _ in range(4):
            await press(pilot, "T")
            colors.add(screen.query_one(Chart)._series[0].color)
        assert len(colors) == 2, "curves have a colour for light and one for dark"

    use(store, scenario)
