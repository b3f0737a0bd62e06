"""The studies: how far each is, its table beside the published figures, and what is missing of it."""

import threading
from pathlib import Path
from typing import Any

import pytest
from compared_rows import evaluation
from pilot import alive, messages, press, screen_text, table_rows, until, use
from small_study import LOSSES, opened, row, said, settings, trained
from store_rows import evaluated, make_stale, steps
from textual.pilot import Pilot
from textual.widgets import Input, OptionList

from ageui.store import Store
from ageui.study import Study, studies, with_tests
from ageui.text.states import SYMBOLS
from ageui.tui.app import AgeUIApp
from ageui.tui.compare.screen import CompareScreen
from ageui.tui.dialogs.explain import ExplainScreen
from ageui.tui.dialogs.prompts import ChoicePrompt
from ageui.tui.run.screen import RunScreen
from ageui.tui.studies.screen import StudiesScreen
from ageui.tui.widgets.paged_table import PagedTable
from ageui.worker.rescorer import rescore
from engine.data.spec import DataSpec

pytestmark = [pytest.mark.app, pytest.mark.usefixtures("no_memory_forecast")]


@pytest.mark.parametrize("size", [(80, 24), (120, 30), (200, 60)])
def test_published_figures_stand_beside_measured_ones(store: Store, study: Study, size: tuple[int, int]) -> None:
    trained(store, study, "mse-8", 6.0)
    trained(store, study, "mse-8", 7.0, seed=1)
    trained(store, study, "mse-16", 5.0)
    trained(store, study, "mape-8", 4.0)

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await opened(app, pilot)
        assert row(app, "mse · batch 8")[1:5] == ("✓ 2 done", "7.50", "6.50 ±0.71 (n=2)", "−1.00")
        assert row(app, "mape · batch 8")[1:5] == ("✓ 1 done", "5.50", "4.00 (n=1)", "−1.50")
        assert row(app, "mape · batch 16")[1:5] == ("not run", "—", "—", "")
        assert row(app, "constant")[3] == "11.50"
        assert row(app, "Spearman's ρ (n)")[3] == "1.00 (n=3)"
        text = screen_text(app)
        assert "mine      3/4" in text
        assert "4 cells: 3 measured, 1 missing" in said(app, "#about")
        assert "[b]Losses[/] two" in text
        assert "A note [/] on it." in text
        assert "seed 0: run 1 ✓ · seed 1: run 2 ✓" in said(app, "#cell")

    use(store, scenario, size=size)


def test_a_signed_gap_stands_beside_each_bias_and_cells_over_seeds_are_tested_in_the_background(
    store: Store, study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    for seed in (0, 1):
        trained(store, study, "mse-8", seed=seed, scored=evaluation(8.0, seed))
    trained(store, study, "mse-16", split="valid", scored=evaluation(6.0, 5))
    may_go = threading.Event()

    def held_back(*arguments: Any) -> Any:
        assert may_go.wait(30)
        return with_tests(*arguments)

    monkeypatch.setattr("ageui.tui.studies.screen.with_tests", held_back)

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await opened(app, pilot)
        titles = [column.title for column in app.screen.query_one(PagedTable)._columns]
        assert titles[titles.index("gender") + 2] == "signed"
        bias, signed = titles.index("gender"), titles.index("gender") + 2
        assert row(app, "mse · batch 16")[signed].startswith("~ "), "a single run was tested when it was scored"
        before = row(app, "mse · batch 8")
        assert before[bias].endswith("(n=2)")
        assert "~" not in before[bias] + before[signed]
        await press(pilot, "down")
        assert "mse · batch 16" in said(app, "#cell"), "nothing blocks meanwhile"
        may_go.set()
        await until(pilot, lambda: row(app, "mse · batch 8")[signed] == f"~ {before[signed]}", "the tests are shown")
        assert row(app, "mse · batch 8")[bias] == before[bias], "errors of one gender are larger"
        assert "valid split · measured on" in said(app, "#about")

    use(store, scenario, size=(160, 40))


def test_tests_are_read_again_once_all_results_are_rescored(store: Store, study: Study) -> None:
    trained(store, study, "mse-8", split="valid", scored=evaluation(8.0, 1))
    make_stale(store)

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await opened(app, pilot)
        assert not any("~" in cell for cell in row(app, "mse · batch 8"))
        assert list(rescore(store)) == [1, 0]
        await until(pilot, lambda: any("~" in cell for cell in row(app, "mse · batch 8")), "the marks are shown")

    use(store, scenario, size=(160, 40))


def test_a_cell_is_followed_while_its_run_trains(store: Store, study: Study) -> None:
    run_id, attempt, _lock = alive(store, "going", **settings(study, "mape-8"))

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await opened(app, pilot)
        assert row(app, "mape · batch 8")[1] == "▶ 1 running"
        assert "4 cells: 1 running, 3 missing" in said(app, "#about")
        with store.writing(run_id, attempt) as writer:
            writer.steps(steps((40, 0.25)))
        await until(pilot, lambda: row(app, "mape · batch 8")[1] == "▶ 50% running")
        with store.writing(run_id, attempt) as writer:
            writer.evaluated(evaluated("test", 5.0), "apparent", "synthetic")
            writer.end("done", "")
        await until(pilot, lambda: row(app, "mape · batch 8")[1:4] == ("✓ 1 done", "5.50", "5.00 (n=1)"))
        assert "mine      1/4" in screen_text(app)

    use(store, scenario)


def test_every_way_in_which_it_was_run_can_be_reached(store: Store, study: Study) -> None:
    for seed in (0, 1):
        trained(store, study, "mse-8", 6.0, seed=seed)
    trained(store, study, "mse-8", 5.0, size=32)
    for path, mae in (("/old", 4.0), ("/new", 3.0)):
        trained(store, study, "mse-8", mae, data_spec=DataSpec(name="synthetic", format="synthetic", path=path))

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await opened(app, pilot)
        seen = []
        for _ in range(5):
            seen.append(
                (row(app, "mse · batch 8")[3], said(app, "#about").partition("measured on ")[2].split(" · ")[0])
            )
            await press(pilot, "w")
        assert seen[4] == seen[0] == ("6.00 ±0.00 (n=2)", "synthetic (path none)"), "and round again"
        assert sorted(seen[:4]) == [
            ("3.00 (n=1)", "synthetic (path /new)"),
            ("4.00 (n=1)", "synthetic (path /old)"),
            ("5.00 (n=1)", "synthetic (path none)"),
            ("6.00 ±0.00 (n=2)", "synthetic (path none)"),
        ]

    use(store, scenario)


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
        assert isinstance(app.screen, StudiesScreen)
        assert "there is no run of it; r runs what is missing" in messages(app)[-1]
        await press(pilot, "home", "space", "space", "c")
        screen = app.screen
        assert isinstance(screen, CompareScreen)
        assert sorted(screen._view.run_ids) == ids
        await press(pilot, "escape", "escape")
        assert isinstance(app.screen, StudiesScreen), "the first escape takes back the selection"
        await press(pilot, "escape")
        assert not isinstance(app.screen, StudiesScreen)

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
        monkeypatch.setattr("ageui.tui.studies.screen.MOST_COMPARED", 15)
        await press(pilot, "c")
        assert messages(app)[-1] == "these are 16 runs; compare at most 15: select fewer cells"

    use(store, scenario)


def test_the_split_goes_round_those_there_are(store: Store, study: Study) -> None:
    trained(store, study, "mse-8", split="valid")

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await opened(app, pilot)
        assert "valid split" in said(app, "#about")
        await press(pilot, "v")
        assert "there are scores on valid alone" in messages(app)[-1]

    use(store, scenario)


def test_a_study_of_ones_own_is_added_by_its_path(store: Store, study: Study, tmp_path: Path) -> None:
    other = tmp_path / "other.toml"
    other.write_text(LOSSES.replace("two", "three"), encoding="utf-8")
    broken = tmp_path / "broken.toml"
    broken.write_text("title = 3", encoding="utf-8")

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await opened(app, pilot)
        for path, problem in ((broken, "title takes text in quotes"), (tmp_path / "none.toml", "no study file")):
            await press(pilot, "a")
            app.screen.query_one(Input).value = str(path)
            await press(pilot, "enter")
            await until(pilot, lambda problem=problem: any(problem in said for said in messages(app)), problem)
        await press(pilot, "a")
        app.screen.query_one(Input).value = str(other)
        await press(pilot, "enter")
        await until(pilot, lambda: "Losses[/] three" in said(app, "#about"))
        assert app.screen.query_one(OptionList).highlighted == 1

    use(store, scenario)


def test_the_studies_that_come_with_it_are_all_shown_and_explained(store: Store) -> None:
    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await opened(app, pilot)
        names = app.screen.query_one(OptionList)
        names.focus()
        for study in studies():
            assert said(app, "#about").startswith(f"{study.name}: {study.title}")
            assert [found[0] for found in table_rows(app)] == [cell.label for cell in study.cells]
            await press(pilot, "down")
        await press(pilot, "E")
        assert isinstance(app.screen, ExplainScreen)
        assert "measured: mean ± standard deviation over (n) seeds" in said(app, "VerticalScroll > Static")
        assert "◆ published" in said(app, "VerticalScroll > Static")
        for status, symbol in SYMBOLS.items():
            assert f"{symbol} {status}" in said(app, "VerticalScroll > Static")

    use(store, scenario, size=(80, 24))
