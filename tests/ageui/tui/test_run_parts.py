"""The parts of a run's screen by their digits, at the sizes of terminals that people have."""

from pathlib import Path
from typing import Any

import pytest
from compared_rows import done
from pilot import alive, messages, press, screen_text, settled, until, use
from store_rows import epoch, epoch_scores, evaluated, queued, steps
from textual.pilot import Pilot
from textual.screen import Screen

from ageui.store import Predictions, Store
from ageui.store.scores import Scores
from ageui.tui.app import AgeUIApp
from ageui.tui.messages import OpenRun
from ageui.tui.run import parts
from ageui.tui.run.part_switcher import PartSwitcher
from ageui.tui.run.screen import RunScreen
from ageui.tui.run.worst_errors import WorstErrors
from ageui.tui.widgets.log_tail import LogPart, LogTail

pytestmark = pytest.mark.app

PARTS = (
    ("6", "predicted by true age, valid, 60 images"),
    ("7", "slope "),
    ("7", "largest errors first"),
    ("8", "--data"),
    ("0", "attempt 1: done"),
    ("0", "val loss"),
    ("1", "train and validation loss by epoch"),
)
"""Digits, and what the screen then holds."""
SIZES = ((80, 24), (100, 30), (120, 36), (160, 45), (200, 60))


async def opened(app: AgeUIApp, pilot: "Pilot[Any]", run_id: int) -> RunScreen:
    app.post_message(OpenRun(run_id))
    await until(pilot, lambda: isinstance(app.screen, RunScreen), "the screen opens")
    await settled(pilot)
    assert isinstance(app.screen, RunScreen)
    return app.screen


def flat(app: AgeUIApp) -> str:
    return " ".join(screen_text(app).replace("│", " ").split())


def enabled(screen: Screen[Any]) -> set[str]:
    return {one.binding.action for one in screen.active_bindings.values() if one.enabled}


def test_a_digit_pressed_again_shows_its_next_part() -> None:
    assert parts.chosen(parts.PARTS, "7", "scores", is_shown=True) == "by-age"
    assert parts.chosen(parts.PARTS, "7", "by-age", is_shown=True) == "worst"
    assert parts.chosen(parts.PARTS, "7", "worst", is_shown=True) == "by-age"
    assert parts.chosen(parts.PARTS, "7", "worst", is_shown=False) == "worst"
    assert parts.chosen(parts.PARTS, "6", "scatter", is_shown=True) == "scatter"
    assert parts.more_of(parts.PARTS, "by-age") == "7 again: worst errors"
    assert parts.more_of(parts.PARTS, "config") == ""


def test_every_part_fits_every_size_below_the_figures(store: Store) -> None:
    run_id = done(store, "scored", 8.0, splits=("train", "valid"))

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await opened(app, pilot, run_id)
        for width, height in SIZES:
            await pilot.resize_terminal(width, height)
            await press(pilot, "5")
            shown = screen_text(app)
            assert ("1 loss  2 MAE  3 biases  4 lr" in shown) == (height >= 32)
            assert ("MAE by group, valid" in shown) == (width >= 120)
            assert "●" in shown
            assert "female" in shown
            for digit, said in PARTS if width == 80 else PARTS[:2]:
                await press(pilot, digit)
                shown = screen_text(app)
                assert said in shown, (width, digit)
                assert shown.splitlines()[3].strip().startswith("MAE 8."), "the figures stay where they are"
                assert "gender" in shown.splitlines()[3]
        await pilot.resize_terminal(60, 16)
        await press(pilot, "5")
        assert "5 scores" in screen_text(app)
        assert "MAE 8." in screen_text(app)

    use(store, scenario, size=SIZES[0])


def test_one_part_alone_fills_a_large_terminal_and_keys_of_charts_need_no_focus(store: Store) -> None:
    run_id = done(store, "scored", 8.0)

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        screen = await opened(app, pilot, run_id)
        assert screen.chart.display
        await press(pilot, "7", "7", "l", "right_square_bracket", "plus", "left")
        assert isinstance(app.focused, WorstErrors)
        assert screen.chart.log_y
        assert screen.chart.smoothing > 0
        await press(pilot, "f")
        assert not screen.chart.display
        assert screen.query_one(PartSwitcher).size.width >= 116
        assert "chart('toggle_log')" not in enabled(screen)
        await press(pilot, "3", "2")
        assert "validation MAE by epoch" in screen_text(app)
        assert "MAE, years" in screen_text(app), "a chart that changed while it was hidden is drawn anew"
        await press(pilot, "f")
        assert "MAE by group" in screen_text(app)

    use(store, scenario, size=(120, 36))


def test_a_key_chooses_the_split_and_predictions_are_read_only_if_shown(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = done(store, "scored", 8.0, splits=("train", "valid"))
    read: list[str] = []
    predictions = Scores.predictions

    def counted(self: Scores, run_id: int, split: str) -> Predictions | None:
        read.append(split)
        return predictions(self, run_id, split)

    monkeypatch.setattr(Scores, "predictions", counted)

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await opened(app, pilot, run_id)
        await press(pilot, "8", "0")
        assert read == []
        await press(pilot, "6", "7", "7")
        store.edits.set_note(run_id, "a change")
        await until(pilot, lambda: store.runs.get(run_id).note == "a change")
        await settled(pilot)
        assert read == ["valid"], "they are kept until the scores change"
        await press(pilot, "v")
        assert read == ["valid", "train"]
        assert "largest errors first, train" in screen_text(app)
        assert " train" in screen_text(app).splitlines()[3]
        await press(pilot, "v", "5")
        assert "scores, valid" in screen_text(app)

    use(store, scenario, size=(80, 24))


def test_the_largest_errors_are_listed_and_their_paths_copied(store: Store) -> None:
    run_id = done(store, "scored", 8.0)
    found = store.scores.predictions(run_id, "valid")
    assert found is not None
    errors = abs(found.predicted - found.ages)
    worst = found.names[int(errors.argmax())]

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        screen = await opened(app, pilot, run_id)
        await press(pilot, "7", "7")
        table = screen.query_one(WorstErrors)
        assert table.text_of(0)[0] == worst
        assert table.text_of(0)[3].lstrip("+−") == f"{errors.max():.2f}"
        assert table.text_of(0)[4] in ("female", "male")
        await press(pilot, "end")
        assert table.cursor == 59
        assert table.path == found.names[int(errors.argmin())]
        await press(pilot, "home", "enter")
        assert messages(app)[-1] == f"copied: {worst}"

    use(store, scenario, size=(80, 24))


def test_groups_are_alive_from_the_first_epoch_on(store: Store) -> None:
    run_id, attempt, _lock = alive(store, "going", epochs="8")

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        screen = await opened(app, pilot, run_id)
        assert "no scores yet" in screen_text(app)
        assert "no points yet: the first epoch has not ended" in flat(app)
        with store.writing(run_id, attempt) as writer:
            writer.steps(steps((1, 0.5)))
            writer.epoch(epoch(1, scores=epoch_scores(8.0)))
        await until(pilot, lambda: "8.25 worst" in screen_text(app))
        assert "MAE by group, epoch 1, valid" in screen_text(app)
        assert "MAE 8.00  gender 0.50  age 12.00  valid  epoch 1" in screen_text(app)
        assert screen.chart.display
        await press(pilot, "3")
        assert [series.label for series in screen.chart.series] == ["gender", "age"]
        await press(pilot, "9")
        log = screen.query_one(PartSwitcher)
        assert (log.current, log.size.height) == ("no-log", 1), "an empty log takes one line"
        with store.writing(run_id, attempt) as writer:
            writer.epoch(epoch(2, scores=epoch_scores(7.0)))
        await until(pilot, lambda: "MAE by group, epoch 2, valid" in screen_text(app))
        with store.writing(run_id, attempt) as writer:
            writer.evaluated(evaluated("valid", selected_on="valid"), "apparent", "synthetic")
            writer.end("done", "")
        await until(pilot, lambda: "MAE by group, valid (selected)" in screen_text(app))
        assert "├" in screen_text(app)
        assert "epoch 2, valid" not in screen_text(app)

    use(store, scenario, size=(120, 36))


def test_a_queued_run_opens_on_its_config_and_names_its_wait(store: Store) -> None:
    queued(store, "first")
    run_id = queued(store, "second")

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await until(pilot, lambda: app.queue_state is not None and run_id in app.queue_state.places)
        await opened(app, pilot, run_id)
        assert "second 2nd, no worker, W starts one" in flat(app)
        assert "--loss" in screen_text(app)
        await press(pilot, "1")
        assert "no points yet: queued 2nd" in flat(app)
        await press(pilot, "6")
        assert "no scores yet: the run is queued" in flat(app)
        assert {"pause", "cancel"} <= enabled(app.screen)
        assert not {"resume", "retry", "next_split"} & enabled(app.screen)

    use(store, scenario, size=(80, 24))


def test_a_short_log_leaves_the_room_to_the_curves(store: Store) -> None:
    run_id, attempt, _lock = alive(store, "going", epochs="8")
    with store.writing(run_id, attempt) as writer:
        writer.steps(steps((1, 0.5)))
        writer.epoch(epoch(1))

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        screen = await opened(app, pilot, run_id)
        log, parts = screen.query_one(LogTail), screen.query_one(PartSwitcher)
        await press(pilot, "9")
        log.show_part(LogPart(Path("log"), ("one", "two"), 7, True))
        screen._draw_all()
        await settled(pilot)
        assert log.has_lines
        assert parts.size.height < screen.chart.size.height / 2
        log.show_part(LogPart(Path("log"), ("line",) * 200, 7, False))
        await settled(pilot)
        assert 8 <= parts.size.height < screen.chart.size.height / 2
        assert log.region.bottom <= parts.region.bottom
        assert log.is_vertical_scroll_end

    use(store, scenario, size=(160, 45))
