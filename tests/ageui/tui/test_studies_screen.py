"""The studies: how far each is, its table beside the published figures, and what is missing of it."""

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pilot import alive, messages, press, screen_text, settled, table_rows, until, use
from store_rows import claimed, end, epoch, evaluated, running, steps
from textual.pilot import Pilot
from textual.widgets import Input, OptionList, Static

from ageui.memory.forecast import NOTHING_TO_SAY
from ageui.store import Store
from ageui.study import Choice, Study, load, studies
from ageui.study.variants import cell_config
from ageui.text.states import SYMBOLS
from ageui.tui.app import AgeUIApp
from ageui.tui.compare.screen import CompareScreen
from ageui.tui.dialogs.explain import ExplainScreen
from ageui.tui.dialogs.prompts import ChoicePrompt
from ageui.tui.run.screen import RunScreen
from ageui.tui.studies.screen import StudiesScreen
from ageui.tui.studies.study_runs import StudyRunsScreen
from ageui.tui.studies.study_runs_check import choice_of_texts, command, texts_of
from ageui.tui.widgets.field_row import FieldRow
from ageui.tui.widgets.paged_table import PagedTable
from engine.config import build_config
from engine.data.spec import BUILT_IN, DataSpec

pytestmark = pytest.mark.app

QUICK = Choice("quick", "synthetic")
LOSSES = """
title = "[b]Losses[/] two"
shows = "Two losses at two batch sizes."
measures = "scores"
notes = ["A note [/] on it."]

[grid]
loss = ["mse", "mape"]
batch = [8, 16]

[published]
mse-8 = { mae = 7.5, gender = 0.25 }
mse-16 = { mae = 6.5, gender = 0.75 }
mape-8 = { mae = 5.5 }
"""


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, empty_folder: None) -> Study:
    """A study of four cells, the only one there is."""
    path = tmp_path / "mine.toml"
    path.write_text(LOSSES, encoding="utf-8")
    found = load(str(path))
    monkeypatch.setattr("ageui.tui.studies.screen.studies", lambda: [found])
    return found


@pytest.fixture(autouse=True)
def no_memory_forecast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ageui.memory.forecast.Forecaster.forecast", lambda self, runs: NOTHING_TO_SAY)


def settings(study: Study, cell: str, choice: Choice = QUICK, **changes: Any) -> dict[str, Any]:
    found = next(one for one in study.cells if one.name == cell)
    config = cell_config(study, found, choice, registered=(), cuda_available=lambda: False)
    return {**config.model_dump(), **changes}


def trained(
    store: Store,
    study: Study,
    cell: str,
    mae: float = 6.0,
    split: str = "test",
    data_spec: DataSpec = BUILT_IN,
    **changes: Any,
) -> int:
    run_id = store.runs.add(build_config(settings(study, cell, **changes)), data_spec, name=None)
    attempt = claimed(store, run_id)
    assert attempt is not None
    with store.writing(run_id, attempt) as writer:
        writer.epoch(epoch(1))
        writer.evaluated(evaluated(split, mae), "apparent", "synthetic")
        writer.end("done", "")
    return run_id


async def opened(app: AgeUIApp, pilot: "Pilot[Any]") -> StudiesScreen:
    await press(pilot, "G")
    screen = app.screen
    assert isinstance(screen, StudiesScreen)
    await settled(pilot)
    screen.query_one(PagedTable).focus()
    return screen


def row(app: AgeUIApp, cell: str) -> tuple[str, ...]:
    return next(found for found in table_rows(app) if found[0] == cell)


def said(app: AgeUIApp, part: str) -> str:
    return str(app.screen.query_one(part, Static).content)


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


async def form(app: AgeUIApp, pilot: "Pilot[Any]", **texts: str) -> StudyRunsScreen:
    await press(pilot, "r")
    screen = app.screen
    assert isinstance(screen, StudyRunsScreen)
    await settled(pilot)
    for name, text in texts.items():
        screen.query_one(f"#row-{name} Input", Input).value = text
    asked = {row.field: row.text for row in screen.query(FieldRow) if row.text}
    await until(pilot, lambda: screen._checked is not None and screen._checked.entered.texts == asked, "it was checked")
    await settled(pilot)
    return screen


@pytest.mark.parametrize("size", [(80, 24), (160, 50)])
def test_what_is_missing_is_counted_queued_and_taken_back(
    store: Store, study: Study, no_workers: list[str], size: tuple[int, int]
) -> None:
    trained(store, study, "mse-8")
    failed = running(store, **settings(study, "mse-16"))
    end(store, *failed, "failed", "no images")

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await opened(app, pilot)
        screen = await form(app, pilot)
        fields = {row.field: row.text for row in screen.query(FieldRow)}
        assert fields == {"preset": "quick", "data": "synthetic", "seeds": "1", "set": ""}, "as what is shown"
        expected = "mine, 4 runs: 2 to queue, 1 that failed or were cancelled to try again, 1 done already"
        assert said(app, "#outcome") == expected
        command = said(app, "#command")
        assert command == f"$ ageui study run {study.path} --preset quick --data synthetic --detach"
        assert store.runs.count() == 2, "nothing is queued unasked"
        await press(pilot, "ctrl+s")
        await until(pilot, lambda: isinstance(app.screen, StudiesScreen))
        await settled(pilot)
        assert [row(app, cell)[1] for cell in ("mse · batch 16", "mape · batch 8", "mape · batch 16")] == [
            "· 1 queued"
        ] * 3
        assert no_workers == ["auto"]
        assert store.runs.get(3).tags == ("study:mine",)
        await form(app, pilot)
        await press(pilot, "ctrl+s")
        assert "nothing is missing" in messages(app)[-1]
        await press(pilot, "escape", "u")
        await until(pilot, lambda: row(app, "mape · batch 8")[1] == "⊘ 1 cancelled")
        assert store.runs.get(failed[0]).status == "cancelled"

    use(store, scenario, size=size)


def test_the_form_and_its_command_hold_values_and_paths_with_spaces(tmp_path: Path) -> None:
    (tmp_path / "my studies").mkdir()
    path = tmp_path / "my studies" / "mine.toml"
    path.write_text(LOSSES, encoding="utf-8")
    choice = Choice("quick", "my faces", {"init": "/my weights/it's.pt", "size": "32"})
    texts = texts_of(choice, 2)
    assert texts["set"].endswith(" size=32")
    assert choice_of_texts(texts) == choice
    shown = command(load(str(path)), choice, 2)
    assert shlex.split(shown) == [
        "ageui", "study", "run", str(path), "--preset", "quick", "--data", "my faces", "--seeds", "2",
        "--set", "init=/my weights/it's.pt", "--set", "size=32", "--detach",
    ]  # fmt: skip
    assert command(load("table8"), Choice("report"), 1) == "ageui study run table8 --preset report --detach"


def test_what_is_wrong_in_the_form_is_said_and_queues_nothing(store: Store, study: Study) -> None:
    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await opened(app, pilot)
        wrong = [
            ({"seeds": "x"}, "seeds x: give a whole number"),
            ({"seeds": "0"}, "--seeds 0: give 1 to 1000"),
            ({"preset": "slow"}, "slow"),
            ({"data": "gone"}, "there is no data set 'gone'"),
            ({"set": "batch=8"}, "batch is what the study mine compares"),
            ({"set": "batch"}, "write it as field=value"),
            ({"set": "'size=32"}, "a quotation mark"),
        ]
        for texts, problem in wrong:
            await form(app, pilot, **texts)
            assert problem in said(app, "#outcome")
            await press(pilot, "ctrl+s")
            assert problem in messages(app)[-1]
            await press(pilot, "escape")
        assert store.runs.count() == 0

    use(store, scenario)


def test_the_form_starts_as_this_machine_chooses_and_can_only_show(store: Store, study: Study) -> None:
    trained(store, study, "mse-8")
    trained(store, study, "mse-16")
    trained(store, study, "mse-8", size=32)

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await opened(app, pilot)
        assert "2 measured" in said(app, "#about")
        await form(app, pilot)
        await press(pilot, "ctrl+r")
        preset = app.screen.query_one("#row-preset Input", Input)
        await until(pilot, lambda: preset.placeholder.startswith("quick · "), "what this machine chooses is shown")
        assert "4 runs" in said(app, "#outcome")
        await press(pilot, "escape")
        await form(app, pilot, set="size=32")
        assert "3 to queue, 1 done already" in said(app, "#outcome")
        await press(pilot, "ctrl+t")
        await until(pilot, lambda: "1 measured" in said(app, "#about"))
        assert "32 px" in said(app, "#about")
        assert store.runs.count() == 3
        await press(pilot, "w")
        assert "2 measured" in said(app, "#about")
        await press(pilot, "w")
        assert "1 measured" in said(app, "#about")

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


@pytest.fixture
def read_only(store: Store, study: Study) -> Iterator[Store]:
    trained(store, study, "mse-8")
    with Store.open(store.path, read_only=True) as found:
        yield found


def test_a_database_that_cannot_be_written_is_shown_and_queues_nothing(read_only: Store) -> None:
    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await opened(app, pilot)
        assert row(app, "mse · batch 8")[1] == "✓ 1 done"
        await form(app, pilot)
        await press(pilot, "ctrl+s")
        assert "read" in messages(app)[-1]
        assert isinstance(app.screen, StudyRunsScreen)

    use(read_only, scenario)
