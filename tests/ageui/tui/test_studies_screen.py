"""The list of studies: what each asks, how far it is, its best figures, and what to press."""

from pathlib import Path
from typing import Any

import pytest
from pilot import messages, press, screen_text, until, use
from small_study import LOSSES, listed, row, said, settings, trained
from store_rows import queued
from textual.pilot import Pilot
from textual.widgets import Input

from ageui.store import Store
from ageui.study import Study, studies
from ageui.tui.app import AgeUIApp
from ageui.tui.studies.screen import StudiesScreen
from ageui.tui.studies.study_screen import StudyScreen
from engine.data.spec import DataSpec

pytestmark = [pytest.mark.app, pytest.mark.usefixtures("no_network_checks")]
ABOUT = "#about > Static"


def test_titles_stand_beside_progress_and_the_best_figures(store: Store, study: Study) -> None:
    trained(store, study, "mse-8", 6.0)
    trained(store, study, "mse-16", 5.0)
    queued(store, **settings(study, "mape-8"))

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await listed(app, pilot)
        for size in ((80, 24), (200, 60)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
            found = row(app, "mine")
            assert (found["title"], found["cells"]) == ("[b]Losses[/] two", "2/4 ·1")
            assert (found["mae"], found["gender"], found["age"]) == ("5.00", "0.50", "—")
        assert "synthetic · 64 px · resnet18@layer3 · 8 epochs" in found["variant"]
        assert "●" in next(line for line in said(app, ABOUT).splitlines() if line.startswith("mse · 16"))
        about = said(app, ABOUT)
        assert "Two losses at two batch sizes." in about
        assert "4 cells: 2 measured, 1 queued, 1 missing · test split" in about
        assert "r queues the runs of 1 missing cell" in about
        assert "figures: best of each column, from any cell" in about

    use(store, scenario)


def test_a_study_without_runs_names_the_key_and_the_number_of_runs(store: Store, study: Study) -> None:
    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await listed(app, pilot)
        assert "r queues 4 runs on synthetic at 64 px · time: unknown" in said(app, ABOUT).replace("\n", " ")
        await press(pilot, "enter")
        assert said(app, "#step").startswith("r queues 4 runs on synthetic at 64 px · time: unknown")

    use(store, scenario, size=(80, 24))


def test_runs_on_other_data_are_marked_and_not_compared(store: Store, study: Study) -> None:
    toy = DataSpec(name="toy", format="synthetic")
    store.data.add(toy)
    trained(store, study, "mse-8", 2.0, data="toy", data_spec=toy)

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await listed(app, pilot)
        assert row(app, "mine")["cells"] == "≠ 1/4"
        assert "≠ These runs are on other data than the published figures" in said(app, ABOUT)
        await press(pilot, "enter", "g")
        assert said(app, "#variant").startswith("≠ other data than the published · test split · toy · 64 px")
        found = row(app, "mse · 8")
        assert (found["mae measured"], found["mae published"]) == ("2.00", "◆7.50")
        assert "mae difference" not in found
        assert "─" not in found["plot"]

    use(store, scenario)


def test_a_study_of_ones_own_is_added_by_its_path(store: Store, study: Study, tmp_path: Path) -> None:
    other = tmp_path / "other.toml"
    other.write_text(LOSSES.replace("two", "three"), encoding="utf-8")
    broken = tmp_path / "broken.toml"
    broken.write_text("title = 3", encoding="utf-8")

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await listed(app, pilot)
        for path, problem in ((broken, "title takes text in quotes"), (tmp_path / "none.toml", "the study file")):
            await press(pilot, "a")
            app.screen.query_one(Input).value = str(path)
            await press(pilot, "enter")
            await until(pilot, lambda problem=problem: any(problem in said for said in messages(app)), problem)
        await press(pilot, "a")
        app.screen.query_one(Input).value = str(other)
        await press(pilot, "enter")
        await until(pilot, lambda: "Losses[/] three" in said(app, ABOUT), "the new study is highlighted")
        await press(pilot, "i")
        assert str(other) in screen_text(app).replace("│\n│ ", "").replace("\n", "")

    use(store, scenario, size=(200, 40))


def test_all_bundled_studies_are_listed_and_open(store: Store) -> None:
    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await listed(app, pilot)
        for study in studies():
            assert row(app, study.name)["cells"] == f"0/{len(study.runnable)}"
            assert said(app, ABOUT).startswith(study.title)
            await pilot.press("down")
        await press(pilot, "home", *["down"] * 4, "enter")
        assert isinstance(app.screen, StudyScreen)
        assert "Batch size  0/2" in said(app, "#title")
        assert row(app, "illegible")["val_loss published"].startswith("◆"), "it has figures, but cannot be run"
        await press(pilot, "E", "escape", "G")
        assert isinstance(app.screen, StudiesScreen), "G goes back to the list"

    use(store, scenario, size=(80, 24))
