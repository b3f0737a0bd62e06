"""The form that queues the missing runs of a study, and its command."""

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pilot import messages, press, settled, until, use
from small_study import LOSSES, form, opened, row, said, settings, trained
from store_rows import end, running
from textual.pilot import Pilot
from textual.widgets import Input

from ageui.store import Store
from ageui.study import Choice, Study, load
from ageui.tui.app import AgeUIApp
from ageui.tui.studies.study_runs import StudyRunsScreen
from ageui.tui.studies.study_runs_check import choice_of_texts, command, texts_of
from ageui.tui.studies.study_screen import StudyScreen
from ageui.tui.widgets.field_row import FieldRow

pytestmark = [pytest.mark.app, pytest.mark.usefixtures("no_network_checks")]


@pytest.mark.parametrize("size", [(80, 24), (160, 50)])
def test_missing_runs_are_counted_queued_and_taken_back(
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
        expected = "mine, 4 runs: 2 to queue, 1 failed or cancelled to retry, 1 already done"
        assert said(app, "#outcome") == expected
        command = said(app, "#command")
        assert command == f"$ ageui study run {study.path} --preset quick --data synthetic --detach"
        assert store.runs.count() == 2, "nothing is queued unasked"
        await press(pilot, "ctrl+s")
        await until(pilot, lambda: isinstance(app.screen, StudyScreen))
        await settled(pilot)
        assert [row(app, cell)["n"] for cell in ("mse · 16", "mape · 8", "mape · 16")] == ["·"] * 3
        assert no_workers == ["auto"]
        assert store.runs.get(3).tags == ("study:mine",)
        await form(app, pilot)
        await press(pilot, "ctrl+s")
        assert "nothing is missing" in messages(app)[-1]
        await press(pilot, "escape", "u")
        await until(pilot, lambda: row(app, "mape · 8")["n"] == "—")
        assert row(app, "mse · 16")["n"] == "✗"
        assert store.runs.get(failed[0]).status == "failed"

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


def test_problems_in_the_form_are_shown_and_queue_nothing(store: Store, study: Study) -> None:
    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await opened(app, pilot)
        wrong = [
            ({"seeds": "x"}, "seeds x: give a whole number"),
            ({"seeds": "0"}, "--seeds 0: give 1 to 1000"),
            ({"preset": "slow"}, "slow"),
            ({"data": "gone"}, "unknown data set 'gone'"),
            ({"set": "batch=8"}, "the study mine compares batch"),
            ({"set": "batch"}, "write field=value"),
            ({"set": "'size=32"}, "close the quotation mark"),
        ]
        for texts, problem in wrong:
            await form(app, pilot, **texts)
            assert problem in said(app, "#outcome")
            await press(pilot, "ctrl+s")
            assert problem in messages(app)[-1]
            await press(pilot, "escape", "down", "enter")
        assert store.runs.count() == 0

    use(store, scenario)


def test_the_form_starts_as_this_machine_chooses_and_can_only_show(store: Store, study: Study) -> None:
    trained(store, study, "mse-8")
    trained(store, study, "mse-16")
    trained(store, study, "mse-8", size=32)

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await opened(app, pilot)
        assert "2/4" in said(app, "#title")
        await form(app, pilot)
        await press(pilot, "ctrl+r")
        preset = app.screen.query_one("#row-preset Input", Input)
        await until(
            pilot,
            lambda: preset.placeholder.startswith("report · as mine.toml says; quick fills in"),
            "what this machine chooses is shown",
        )
        assert "4 runs" in said(app, "#outcome")
        await press(pilot, "escape", "down", "enter")
        await form(app, pilot, set="size=32")
        assert "3 to queue, 1 already done" in said(app, "#outcome")
        await press(pilot, "ctrl+t")
        await until(pilot, lambda: "1/4" in said(app, "#title"))
        assert "32 px" in said(app, "#variant")
        assert store.runs.count() == 3
        await press(pilot, "w")
        assert "2/4" in said(app, "#title")
        await press(pilot, "w")
        assert "1/4" in said(app, "#title")

    use(store, scenario)


@pytest.fixture
def read_only(store: Store, study: Study) -> Iterator[Store]:
    trained(store, study, "mse-8")
    with Store.open(store.path, read_only=True) as found:
        yield found


def test_a_database_that_cannot_be_written_is_shown_and_queues_nothing(read_only: Store) -> None:
    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await opened(app, pilot)
        assert row(app, "mse · 8")["n"] == "1"
        await form(app, pilot)
        await press(pilot, "ctrl+s")
        assert "read" in messages(app)[-1]
        assert isinstance(app.screen, StudyRunsScreen)

    use(read_only, scenario)
