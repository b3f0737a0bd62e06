"""The screen of a study: all figures beside the published ones, an axis, a heat map, variants and cells."""

import threading
from typing import Any

import pytest
from compared_rows import evaluation
from pilot import alive, messages, press, screen_text, until, use
from small_study import opened, row, said, settings, trained
from store_rows import evaluated, make_stale, steps
from textual.pilot import Pilot

from ageui.store import Store
from ageui.study import Choice, Study, load, with_tests
from ageui.study.study import FIGURES
from ageui.text.states import SYMBOLS
from ageui.tui.app import AgeUIApp
from ageui.tui.compare.screen import CompareScreen
from ageui.tui.dialogs.explain import ExplainScreen
from ageui.tui.dialogs.prompts import ChoicePrompt
from ageui.tui.run.screen import RunScreen
from ageui.tui.studies.study_screen import StudyScreen
from ageui.tui.widgets.paged_table import PagedTable
from ageui.worker.rescorer import rescore
from engine.data.spec import DataSpec

pytestmark = [pytest.mark.app, pytest.mark.usefixtures("no_network_checks")]
SIZES = ((80, 24), (100, 30), (120, 36), (160, 45), (200, 60))


@pytest.fixture
def table8(monkeypatch: pytest.MonkeyPatch, empty_folder: None) -> Study:
    found = load("table8")
    monkeypatch.setattr("ageui.tui.studies.screen.studies", lambda: [found])
    return found


def test_all_figures_of_ten_cells_are_visible_at_every_size(store: Store, table8: Study) -> None:
    toy = Choice("quick", "appa-real")
    for cell in table8.cells[:12]:
        trained(store, table8, cell.name, 6.25, choice=toy, data_spec=DataSpec(name="appa-real", format="course"))

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await opened(app, pilot)
        for size in SIZES:
            await pilot.resize_terminal(*size)
            await pilot.pause()
            begins = tuple(f"  {cell.settings['loss']} · " for cell in table8.cells)
            lines = [line for line in screen_text(app).splitlines() if line.startswith(begins)]
            assert len(lines) >= 14, size
            for cell, line in zip(table8.cells, lines, strict=False):
                published = [f"◆{cell.published[name]:.2f}" for name in FIGURES["scores"]]
                assert all(text in line for text in published), (size, line)
                assert size == (80, 24) or cell.name == "mape-32" or "…" not in line
            assert sum("6.25" in line and "0.50" in line for line in lines) == 12, size

    use(store, scenario, size=SIZES[0])


def test_published_figures_stand_beside_measured_ones(store: Store, study: Study) -> None:
    trained(store, study, "mse-8", 6.0)
    trained(store, study, "mse-8", 7.0, seed=1)
    trained(store, study, "mse-16", 5.0)
    trained(store, study, "mape-8", 4.0)

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await opened(app, pilot)
        assert [row(app, cell)["n"] for cell in ("mse · 8", "mape · 8", "mape · 16")] == ["2", "1", "—"]
        found = row(app, "mse · 8")
        assert (found["mae measured"], found["mae published"], found["gender measured"]) == ("6.50", "◆7.50", "★0.50")
        assert row(app, "mape · 8")["mae measured"] == "★4.00"
        assert row(app, "constant")["mae measured"] == "11.50"
        assert row(app, "Spearman's ρ")["mae measured"] == "1.00"
        assert "[b]Losses[/] two  3/4" in said(app, "#title")
        assert "✓ 2 done · seeds 0–1: runs 1, 2" in said(app, "#cell")
        await press(pilot, "g")
        found = row(app, "mse · 8")
        assert (found["mae spread"], found["mae difference"]) == ("±0.71", "−1.00")
        assert found["plot"].startswith("●─")
        assert found["plot"].endswith("─◆")
        assert row(app, "mape · 16")["plot"] == ""
        await press(pilot, "m")
        assert row(app, "mse · 8")["gender published"] == "◆0.25"
        await press(pilot, "M", "end")
        assert "MAE: ρ 1.00 (n=3)" in said(app, "#cell")

    use(store, scenario, size=(80, 24))


def test_a_grid_is_a_heat_map_with_main_effects_and_honest_about_seeds(store: Store, study: Study) -> None:
    for place, cell in enumerate(study.cells):
        trained(store, study, cell.name, 4.0 + place)

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await opened(app, pilot)
        await press(pilot, "g", "g")
        shown = [line.split() for line in screen_text(app).splitlines()]
        assert ["mse", "░░★4.00", "◆7.50", "▒▒", "5.00", "◆6.50", "4.50", "−1.00"] in shown
        assert ["mape", "▓▓", "6.00", "◆5.50", "██", "7.00", "6.50", "+1.00"] in shown
        assert ["mean", "5.00", "6.00", "5.50"] in shown
        assert "not tested: that takes two seeds or more in every cell" in said(app, "#effects")
        await press(pilot, "down", "right")
        assert said(app, "#cell").startswith("mape · batch 16")
        await press(pilot, "enter")
        assert isinstance(app.screen, RunScreen)
        await press(pilot, "escape")
        for cell in study.cells:
            trained(store, study, cell.name, 4.25, seed=1)
        await until(pilot, lambda: "analysis of variance over seeds" in said(app, "#effects"), "it is tested")
        assert "n=2 seeds a cell" in said(app, "#effects")
        await press(pilot, "g")
        assert row(app, "mse · 8")["n"] == "2"

    use(store, scenario, size=(80, 24))


def test_a_published_grid_is_a_heat_map_without_any_run(store: Store, table8: Study) -> None:
    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await opened(app, pilot)
        await press(pilot, "g", "g")
        assert "██ 16.30◆" in screen_text(app)
        assert "◆ published; single figures" in said(app, "#effects")

    use(store, scenario, size=(80, 24))


def test_cells_over_seeds_are_tested_in_the_background(
    store: Store, study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    for seed in (0, 1):
        trained(store, study, "mse-8", seed=seed, scored=evaluation(8.0, seed))
    trained(store, study, "mse-16", split="valid", scored=evaluation(6.0, 5))
    may_go = threading.Event()

    def held_back(*arguments: Any) -> Any:
        assert may_go.wait(30)
        return with_tests(*arguments)

    monkeypatch.setattr("ageui.tui.studies.study_screen.with_tests", held_back)

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await opened(app, pilot)
        await press(pilot, "m")
        assert "signed gap" in said(app, "#cell")
        assert "~" not in said(app, "#cell")
        assert said(app, "#variant").startswith("testing biases over seeds, ~ follows · ")
        await press(pilot, "down")
        assert "mse · batch 16" in said(app, "#cell"), "nothing blocks meanwhile"
        signed = said(app, "#cell").partition("signed gap")[2].split(" · ")[0]
        assert "~" in signed, "a single run was tested when it was scored"
        await press(pilot, "up")
        may_go.set()
        await until(pilot, lambda: "~" in said(app, "#cell").partition("signed gap")[2], "the tests are shown")
        assert "~" not in row(app, "mse · 8")["gender measured"], "errors of one gender are larger"
        assert said(app, "#variant").startswith("valid split")

    use(store, scenario, size=(160, 40))


def test_tests_are_read_again_once_all_results_are_rescored(store: Store, study: Study) -> None:
    trained(store, study, "mse-8", split="valid", scored=evaluation(8.0, 1))
    make_stale(store)

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await opened(app, pilot)
        await press(pilot, "m")
        assert "~" not in said(app, "#cell")
        assert list(rescore(store)) == [1, 0]
        await until(pilot, lambda: "~" in said(app, "#cell"), "the marks are shown")

    use(store, scenario, size=(160, 40))


def test_a_cell_is_followed_while_its_run_trains(store: Store, study: Study) -> None:
    run_id, attempt, _lock = alive(store, "going", **settings(study, "mape-8"))

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await opened(app, pilot)
        assert row(app, "mape · 8")["n"] == "▶"
        with store.writing(run_id, attempt) as writer:
            writer.steps(steps((40, 0.25)))
        await until(pilot, lambda: row(app, "mape · 8")["mae measured"] == "▶ 50%")
        with store.writing(run_id, attempt) as writer:
            writer.evaluated(evaluated("test", 5.0), "apparent", "synthetic")
            writer.end("done", "")
        await until(pilot, lambda: row(app, "mape · 8")["mae measured"] == "5.00")
        assert (row(app, "mape · 8")["n"], row(app, "mape · 8")["mae published"]) == ("1", "◆5.50")
        assert "1/4" in said(app, "#title")

    use(store, scenario)


def test_every_variant_can_be_reached(store: Store, study: Study) -> None:
    for seed in (0, 1):
        trained(store, study, "mse-8", 6.0, seed=seed)
    trained(store, study, "mse-8", 5.0, size=32)
    for path, mae in (("/old", 4.0), ("/new", 3.0)):
        trained(store, study, "mse-8", mae, data_spec=DataSpec(name="synthetic", format="synthetic", path=path))

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await opened(app, pilot)
        seen = []
        for _ in range(5):
            seen.append((row(app, "mse · 8")["mae measured"], said(app, "#variant").partition(" · ")[2]))
            await press(pilot, "w")
        assert seen[4] == seen[0], "and round again"
        assert "synthetic (path none) · 64 px · resnet18@layer3 · 8 epochs · preset quick" in seen[0][1]
        assert [mae for mae, _ in sorted(seen[:4])] == ["3.00", "4.00", "5.00", "6.00"]
        assert {about.partition("synthetic")[2].split(" · ")[0] for mae, about in seen if mae < "5.00"} == {
            " (path /new)", " (path /old)",
        }  # fmt: skip

    use(store, scenario, size=(160, 45))


def test_runs_of_cells_are_opened_and_compared(store: Store, study: Study) -> None:
    ids = [trained(store, study, "mse-8", seed=seed) for seed in (0, 1)] + [trained(store, study, "mse-16")]

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await opened(app, pilot)
        await press(pilot, "enter")
        assert isinstance(app.screen, ChoicePrompt)
        await press(pilot, "down", "enter")
        assert isinstance(app.screen, RunScreen)
        assert f"run {ids[1]}" in screen_text(app) or store.runs.get(ids[1]).name in screen_text(app)
        await press(pilot, "escape", "down", "enter")
        assert isinstance(app.screen, RunScreen)
        await press(pilot, "escape", "down", "enter")
        assert isinstance(app.screen, StudyScreen)
        assert "no run yet; r queues what is missing" in messages(app)[-1]
        await press(pilot, "home", "space", "space", "c")
        screen = app.screen
        assert isinstance(screen, CompareScreen)
        assert sorted(screen._view.run_ids) == ids
        await press(pilot, "escape", "escape")
        assert isinstance(app.screen, StudyScreen), "the first escape clears the selection"
        await press(pilot, "escape")
        assert not isinstance(app.screen, StudyScreen)

    use(store, scenario)


def test_all_cells_with_runs_are_selected_and_compared_as_far_as_that_goes(
    store: Store, study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [trained(store, study, cell, seed=seed) for cell in ("mse-8", "mape-8") for seed in range(8)]

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await opened(app, pilot)
        await press(pilot, "ctrl+a", "c")
        screen = app.screen
        assert isinstance(screen, CompareScreen)
        assert sorted(screen._view.run_ids) == ids
        assert screen._comparison is not None
        assert [len(found.runs) for found in screen._comparison.rows] == [8, 8, 0]
        await press(pilot, "escape")
        monkeypatch.setattr("ageui.tui.studies.study_screen.MOST_COMPARED", 15)
        await press(pilot, "c")
        assert messages(app)[-1] == "16 runs are selected; a comparison holds at most 15: select fewer cells"

    use(store, scenario)


def test_provenance_and_marks_are_a_key_away(store: Store, study: Study) -> None:
    trained(store, study, "mse-8", split="valid", size=32)

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await opened(app, pilot)
        assert "A note" not in screen_text(app)
        await press(pilot, "v")
        assert "only valid has scores" in messages(app)[-1]
        await press(pilot, "i")
        assert isinstance(app.screen, ExplainScreen)
        shown = said(app, "VerticalScroll > Static")
        assert "A note [/] on it." in shown
        assert "unlike the study's file: size 32" in shown
        await press(pilot, "escape", "E")
        shown = said(app, "VerticalScroll > Static")
        assert "◆ published" in shown
        for status, symbol in SYMBOLS.items():
            assert f"{symbol} {status}" in shown

    use(store, scenario, size=(80, 24))


def test_a_best_cell_that_is_no_better_than_the_constant_says_so(store: Store, study: Study) -> None:
    trained(store, study, "mse-8", 50.0)
    trained(store, study, "mape-16", 60.0)

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await opened(app, pilot)
        assert [row(app, cell)["mae measured"] for cell in ("mse · 8", "mape · 16")] == ["∅50.00", "∅60.00"]

    use(store, scenario, size=(80, 24))


def test_columns_do_not_move_while_a_cell_gets_figures(store: Store, study: Study) -> None:
    trained(store, study, "mse-8", 6.0)

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await opened(app, pilot)
        table = app.screen.query_one(PagedTable)
        before = list(table._widths)
        trained(store, study, "mape-16", 123.456)
        await until(pilot, lambda: row(app, "mape · 16")["mae measured"] == "∅123.46", "the figure is fitted in")
        assert table._widths == before

    use(store, scenario, size=(80, 24))
