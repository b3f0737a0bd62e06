"""Compared runs as rows: all figures in view, sorting, turning the table, plots and forest plots."""

import re
from typing import Any

import pytest
from compared_rows import ALL_GROUPS, LOSSES, done, dozen, evaluation, keys, lines, opened, shown
from pilot import HOSTILE, alive, press, screen_text, settled, until, use
from store_rows import epoch
from textual.pilot import Pilot
from textual.widgets import OptionList

from ageui.compare import Comparison
from ageui.store import Store
from ageui.tui.app import AgeUIApp
from ageui.tui.chart.scatter_chart import ScatterChart
from ageui.tui.compare.pictures import ForestPane, Pictures
from ageui.tui.compare.screen import CompareScreen
from ageui.tui.prefs import Prefs
from ageui.tui.widgets.side_by_side import SideBySide

pytestmark = pytest.mark.app

SIZES = [(80, 24), (100, 30), (120, 36), (160, 45), (200, 60)]
LABELS = [f"{loss} · {weights}" for loss in LOSSES for weights in ("none", "gender")]


@pytest.fixture
def many(store: Store) -> tuple[int, ...]:
    return dozen(store)


def order(screen: CompareScreen) -> list[str]:
    """The labels of the rows in view, from the top."""
    found = [re.match(r" \S? +(\w+ · \w+|constant [\d.]+)", line) for line in screen_text(screen.app).splitlines()[3:]]
    return list(dict.fromkeys(match[1] for match in found if match is not None))


def comparison_of(screen: CompareScreen) -> Comparison:
    assert screen._comparison is not None
    return screen._comparison


async def choose(app: AgeUIApp, pilot: "Pilot[Any]", key: str, answer: str) -> None:
    screen = app.screen
    await press(pilot, key)
    await until(pilot, lambda: app.screen is not screen, "a list opens")
    options = app.screen.query_one(OptionList)
    options.highlighted = options.get_option_index(answer)
    await press(pilot, "enter")
    await until(pilot, lambda: app.screen is screen)


def test_all_five_figures_of_ten_runs_are_in_view_at_every_size(store: Store, many: tuple[int, ...]) -> None:
    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        screen = await opened(app, pilot, many)
        figures = {
            row.label: [f"{cell.value:.2f}" for cell, name in zip(row.cells, comparison_of(screen).columns, strict=True)
                        if name in ("mae", "gender", "expression", "ethnicity", "age")]
            for row in comparison_of(screen).rows
        }  # fmt: skip
        for size in SIZES:
            await pilot.resize_terminal(*size)
            await settled(pilot)
            text = screen_text(app).splitlines()
            heads = next(line for line in text if "setting" in line)
            assert all(title in heads for title in ("MAE", "gend.", "expr.", "ethn.", "age")), size
            found = [line for label in LABELS for line in text[:20] if f" {label} " in line]
            assert len(found) >= 10, size
            for label, line in zip(LABELS, found, strict=False):
                own = re.findall(r"(?<![−+\d])\d+\.\d\d", line)
                assert own[:5] == figures[label], size
            assert ("−" in found[1] or "+" in found[1]) == (size[0] >= 100), "differences stand inline if there is room"

    use(store, scenario, size=SIZES[0])


def test_the_difference_of_the_row_under_the_cursor_or_of_all_rows_is_below(
    store: Store, many: tuple[int, ...]
) -> None:
    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        screen = await opened(app, pilot, many)
        assert screen_text(app).count("+0.5") == 0
        await press(pilot, "down")
        text = screen_text(app)
        assert "− + to mse · none" in text
        assert "+0.5" in text
        assert "run-1" in shown(app, "#row")
        await press(pilot, "d")
        assert "− + to" not in screen_text(app)
        assert sum(bool(re.match(r"\s+[−+]\d", line)) for line in screen_text(app).splitlines()) >= 5
        await press(pilot, "end")
        assert screen.query_one(SideBySide).cursor_key is not None
        assert "constant" in shown(app, "#row")

    use(store, scenario, size=(80, 24))


def test_rows_are_sorted_by_any_figure_or_field_with_the_baseline_pinned_or_in_place(
    store: Store, many: tuple[int, ...]
) -> None:
    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        screen = await opened(app, pilot, many)
        assert order(screen)[:3] == LABELS[:3]
        await press(pilot, "down", "down", "B")
        await until(pilot, lambda: "baseline mae · none" in shown(app, "#about"))
        await choose(app, pilot, "s", "mae")
        assert "MAE↑" in screen_text(app)
        assert "by MAE" in shown(app, "#about")
        assert order(screen)[:3] == ["mae · none", "mse · none", "mse · gender"], "the baseline is on top"
        await press(pilot, "p")
        assert order(screen)[:3] == ["mse · none", "mse · gender", "mae · none"]
        await press(pilot, "S")
        assert "MAE↓" in screen_text(app)
        assert order(screen)[:2] == ["constant 35.0", "msle · gender"]
        await choose(app, pilot, "s", "loss")
        assert order(screen)[0].startswith("huber")
        column = next(line for line in screen_text(app).splitlines() if "setting" in line).index("MAE")
        await pilot.click(SideBySide, offset=(column, 0))
        await settled(pilot)
        assert "MAE↑" in screen_text(app)
        await pilot.click(SideBySide, offset=(column, 0))
        await settled(pilot)
        assert "MAE↓" in screen_text(app)
        await choose(app, pilot, "s", "chosen")
        assert order(screen)[:3] == LABELS[:3]

    use(store, scenario, size=(120, 30))


def test_the_table_turns_and_the_choice_is_remembered(store: Store, many: tuple[int, ...]) -> None:
    prefs = Prefs()

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        screen = await opened(app, pilot, many)
        table = screen.query_one(SideBySide)
        assert table.table.by_line
        await press(pilot, "vertical_line")
        assert not table.table.by_line
        assert prefs.comparison == "columns"
        assert "MAE years" in screen_text(app)
        await press(pilot, "escape")
        screen = await opened(app, pilot, many)
        assert not screen.query_one(SideBySide).table.by_line
        await press(pilot, "vertical_line")
        assert screen.query_one(SideBySide).table.by_line
        assert prefs.comparison == "", "that is what the number of rows decides"
        for left in range(11, 2, -1):
            await keys(pilot, screen, "x")
            assert f"{left} run" in shown(app, "#about")
        assert screen.query_one(SideBySide).table.by_line, "dropped runs do not turn it"

    use(store, scenario, size=(100, 30), prefs=prefs)


def test_a_plot_of_any_figure_by_any_other_has_its_front_and_names(store: Store, many: tuple[int, ...]) -> None:
    other = done(store, "elsewhere", 1.0, images=40, loss="poisson", attributes=("gender",))

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        screen = await opened(app, pilot, (*many, other))
        await press(pilot, "P")
        assert "age bias, years" in screen_text(app)
        assert "MAE, years" in screen_text(app)
        plot = screen.query_one(ScatterChart).plot
        assert plot is not None
        assert plot.points[0].label == "mse · none"
        front = {point.label for point in plot.points if point.marker == "◇"}
        assert "mse · none" in front
        assert len(front) < 12
        assert "poisson · none" not in front, "its images are others"
        await choose(app, pilot, "m", "gender")
        await choose(app, pilot, "M", "loss")
        text = screen_text(app)
        assert "gender bias, years" in text
        assert "logcosh" in text
        plot = screen.query_one(ScatterChart).plot
        assert plot is not None
        assert plot.x.names == tuple(sorted((*LOSSES, "poisson")))
        assert not plot.lines, "no loss is better than another"
        await press(pilot, "down")
        assert screen.query_one(SideBySide).cursor == 1, "the cursor moves without the table"
        await press(pilot, "P")
        assert screen.query_one(SideBySide).display
        assert not screen.query_one(Pictures).display
        await press(pilot, "P", "escape")
        assert screen.query_one(SideBySide).has_focus, "escape returns to the table"
        assert not screen.query_one(Pictures).display
        await press(pilot, "escape")
        assert app.screen is not screen

    use(store, scenario, size=(80, 24))


def test_a_forest_plot_of_a_figure_or_of_groups(store: Store, many: tuple[int, ...]) -> None:
    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        screen = await opened(app, pilot, many[:4])
        await press(pilot, "F")
        forest = screen.query_one(ForestPane)
        text = screen_text(app)
        assert "age bias  ± std over seeds, else 95% interval" in text
        assert text.count("├") >= 4
        await choose(app, pilot, "m", "groups of ethnicity")
        text = screen_text(app)
        assert "MAE by ethnicity" in text
        assert "asian  21 images" in text
        await press(pilot, "F")
        assert forest.has_focus
        assert "afroamerican  18 images" in screen_text(app)
        await press(pilot, "c")
        assert not forest.display

    use(store, scenario, size=(80, 30))


def test_the_plot_and_the_forest_plot_stand_side_by_side_in_a_wide_terminal(
    store: Store, many: tuple[int, ...]
) -> None:
    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        screen = await opened(app, pilot, many)
        await settled(pilot)
        assert screen.query_one(ScatterChart).display
        assert screen.query_one(ForestPane).display
        text = screen_text(app)
        assert "MAE, years" in text
        assert text.count("├") >= 5

    use(store, scenario, size=(160, 45))


@pytest.mark.parametrize("size", SIZES[:4])
def test_a_picture_below_the_table_shows_its_whole_axis(
    store: Store, many: tuple[int, ...], size: tuple[int, int]
) -> None:
    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        screen = await opened(app, pilot, many[:5])
        await settled(pilot)
        pictures = screen.query_one(Pictures)
        assert pictures.display
        assert pictures.region in screen.query_one("#parts").region
        assert screen.query_one(SideBySide).region.bottom == pictures.region.y

    use(store, scenario, size=size)


def test_a_running_run_shows_its_progress_in_place_of_figures(store: Store, many: tuple[int, ...]) -> None:
    run_id, attempt, lock = alive(store, "going", loss="poisson")
    with store.writing(run_id, attempt) as writer:
        writer.epoch(epoch(1))

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        screen = await opened(app, pilot, (*many, run_id))
        row = next(line for line in lines(screen) if "poisson" in line)
        assert "▶ running 1/8" in row
        assert "—" not in row
        with store.writing(run_id, attempt) as writer:
            writer.evaluated(evaluation(2.0, 9, attributes=tuple(ALL_GROUPS)), "apparent", "faces")
            writer.end("done", "")
        lock.release()
        await until(pilot, lambda: any("poisson" in line and "★2." in line for line in lines(screen)), "it is scored")

    use(store, scenario, size=(120, 36))


def test_names_in_rows_and_plots_are_text_whatever_they_hold(store: Store) -> None:
    ids = tuple(done(store, name, 5.0, seed=1) for name in HOSTILE)

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        screen = await opened(app, pilot, ids)
        assert all(f"mse · none · {name[:5]}" in "\n".join(lines(screen)) for name in HOSTILE)
        for size in ((40, 12), (80, 24), (160, 50)):
            await pilot.resize_terminal(*size)
            await press(pilot, "P", "F", "c", "vertical_line", "down", "right")
        assert app.screen is screen

    use(store, scenario, size=(120, 36))


def test_a_best_mae_that_is_no_better_than_the_constants_carries_both_marks(store: Store) -> None:
    ids = (done(store, "bad", 40.0, loss="mse"), done(store, "worse", 45.0, loss="mape"))

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        screen = await opened(app, pilot, ids)
        columns = lines(screen)
        await press(pilot, "vertical_line")
        for shown_lines in (columns, lines(screen)):
            text = "\n".join(shown_lines)
            assert re.search(r"★4\d\.\d\d∅", text)
            assert re.search(r" 4\d\.\d\d∅", text), "the other run carries ∅ alone"
        assert "∅ no better than the constant" in shown(app, "#legend")

    use(store, scenario, size=(120, 36))
