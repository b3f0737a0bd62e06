"""The curves under a comparison: their colours and markers, and when they are shown."""

from typing import Any

import pytest
from compared_rows import done, evaluation, keys, lines, opened
from pilot import press, screen_text, until, use
from store_rows import epoch, epoch_scores, running
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
        await until(pilot, lambda: "validation loss" in screen_text(app), "no biases were measured after epochs")
        before = {one.key: (one.color, one.marker) for one in chart._series}
        assert [marker for _, marker in before.values()] == ["■", "□"]
        await keys(pilot, screen, "x")
        after = {one.key: (one.color, one.marker) for one in chart._series}
        mape = str(runs[-1])
        assert after == {mape: before[mape]}, "whatever else is shown"
        await press(pilot, "c")
        assert chart.display
        assert not screen.query_one(SideBySide).display
        assert app.focused is chart
        await press(pilot, "l", "right_square_bracket", "left")
        await press(pilot, "c")
        assert not screen.query_one(Pictures).display
        assert screen.query_one(SideBySide).has_focus

    use(store, scenario)


def test_the_curves_of_many_runs_are_distinguishable(store: Store) -> None:
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


def test_without_room_curves_appear_only_on_request(store: Store, runs: tuple[int, ...]) -> None:
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


def test_biases_of_runs_are_drawn_over_each_other_with_their_kept_epochs(store: Store) -> None:
    ids = []
    for seed, gender in ((1, 0.5), (2, 1.5)):
        run_id, attempt = running(store, f"scored-{seed}", seed=seed, loss=("mse", "mae")[seed - 1])
        with store.writing(run_id, attempt) as writer:
            writer.epoch(epoch(1, scores=epoch_scores(gender=gender)))
            writer.epoch(epoch(2, is_best=False, scores=epoch_scores(gender=gender + 1)))
            writer.evaluated(evaluation(4.0, seed), "apparent", "faces")
            writer.end("done", "")
        ids.append(run_id)

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        screen = await opened(app, pilot, tuple(ids))
        await keys(pilot, screen, "m")
        await until(pilot, lambda: "validation gender bias, years" in screen_text(app))
        chart = screen.query_one(Chart)
        assert [list(one.y) for one in chart.series] == [[0.5, 1.5], [1.5, 2.5]]
        assert [one.marked.text if one.marked else "" for one in chart.series] == ["0.50 @ 1", "1.50 @ 1"]
        assert screen_text(app).count("◎") == 2
        await keys(pilot, screen, "m")
        await until(pilot, lambda: "validation age bias, years" in screen_text(app))
        await keys(pilot, screen, "m")
        await until(pilot, lambda: "validation loss" in screen_text(app))

    use(store, scenario)
