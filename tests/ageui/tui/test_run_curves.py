"""The curves of one run: which figures they show, what the legend and the kept epoch say, over every axis."""

import math
from typing import Any

import numpy as np
import pytest
from pilot import alive, press, screen_text, settled, until, use
from store_rows import epoch, epoch_scores
from textual.pilot import Pilot

from ageui.store import Epoch, EpochScores, Store
from ageui.tui.app import AgeUIApp
from ageui.tui.chart.chart import Chart
from ageui.tui.chart.series import Series
from ageui.tui.messages import OpenRun
from ageui.tui.run.curves import AXES, CURVES, Axis, CurveData, event_lines, series_of

COLORS = ("#111111", "#222222", "#333333", "#444444", "#555555")
HISTORY = [
    epoch(1, scores=epoch_scores(9.0, 0.5, 12.0)),
    epoch(2, scores=epoch_scores(8.0, 0.25, 13.0)),
    epoch(3, is_best=False, val_mae=9.5, scores=epoch_scores(9.5, 0.75, 14.0)),
]


def _data(history: list[Any], *, kept: Epoch | None = None, has_ended: bool = True) -> CurveData:
    return CurveData(history, np.empty(0), np.empty(0), kept=kept, has_ended=has_ended)


def _series(data: CurveData, key: str, axis: Axis = "epoch") -> dict[str, Series]:
    return {one.label: one for one in series_of(data, next(c for c in CURVES if c.key == key), axis, COLORS)}


def _kept_labels(data: CurveData) -> dict[str, list[str]]:
    return {curve.key: [line.label for line in event_lines(data, curve, "epoch", (3,))] for curve in CURVES}


def test_series_are_named_as_tables_name_their_figures() -> None:
    data = _data(HISTORY, kept=HISTORY[1])
    assert {curve.key: list(_series(data, curve.key)) for curve in CURVES} == {
        "loss": ["train loss", "val loss"],
        "val_loss": ["val loss"],
        "steps": ["train loss"],
        "val_mae": ["val MAE"],
        "bias": ["gender", "age"],
        "lr": ["learning rate"],
        "speed": ["images/s"],
    }
    biases = _series(data, "bias")
    assert list(biases["gender"].y) == [0.5, 0.25, 0.75]
    assert len({one.color for one in biases.values()}) == 2


def test_the_kept_epoch_is_named_by_the_figure_of_each_curve() -> None:
    assert _kept_labels(_data(HISTORY, kept=HISTORY[1])) == {
        "loss": ["kept 0.125 @ 2"],
        "val_loss": ["kept 0.125 @ 2"],
        "steps": ["kept 0.25 @ 2"],
        "val_mae": ["kept 4.00 @ 2"],
        "bias": ["kept @ 2"],
        "lr": ["kept 1e-05 @ 2"],
        "speed": ["kept 900 @ 2"],
    }
    assert set(map(tuple, _kept_labels(_data(HISTORY)).values())) == {()}


@pytest.mark.parametrize("axis", AXES)
def test_the_kept_epoch_is_marked_on_every_curve_and_names_the_legend_of_an_ended_run(axis: Axis) -> None:
    x = {"epoch": 2.0, "step": 20.0, "time": 3.0}[axis]
    for has_ended in (True, False):
        data = _data(HISTORY, kept=HISTORY[1], has_ended=has_ended)
        marked = [one.marked for one in _series(data, "bias", axis).values()]
        assert [point.x for point in marked if point] == [x, x]
        assert [point.text for point in marked if point] == (["0.25 @ 2", "13.00 @ 2"] if has_ended else ["", ""])


@pytest.mark.parametrize(("loss", "label"), [(0.5, "stopped early"), (math.nan, "diverged")])
def test_a_run_that_diverged_did_not_stop_early(loss: float, label: str) -> None:
    data = _data([*HISTORY, epoch(4, is_best=False, train_loss=loss)])
    assert [line.label for line in event_lines(data, CURVES[0], "epoch", (9,))] == [label]


def test_epochs_that_are_not_scored_and_biases_that_are_undefined_have_no_points() -> None:
    thinned = [
        epoch(1),
        epoch(2, scores=epoch_scores(8.0, None, 13.0)),
        epoch(3),
        epoch(4, scores=epoch_scores(7.0, None)),
    ]
    biases = _series(_data(thinned, kept=thinned[2]), "bias")
    assert {name: list(one.x) for name, one in biases.items()} == {"age": [2.0, 4.0]}
    assert biases["age"].marked is None, "the kept epoch is not scored"
    without = [epoch(1, val_loss=None, val_mae=None)]
    assert [list(_series(_data(without), key)) for key in ("loss", "val_mae", "bias")] == [["train loss"], [], []]
    assert not _series(_data([]), "loss")


def test_all_attributes_of_the_data_have_a_curve_those_of_the_report_first() -> None:
    scores = EpochScores(3, 8.0, {"glasses": 1.0, "age": 2.0, "gender": math.nan}, ())
    biases = _series(_data([epoch(1, scores=scores)]), "bias")
    assert list(biases) == ["gender", "age", "glasses"]
    assert math.isnan(biases["gender"].y[0])


@pytest.mark.parametrize(("keep", "kept"), [("best", 2), ("last", 3)])
def test_the_marked_epoch_is_the_kept_epoch(store: Store, keep: str, kept: int) -> None:
    run_id, attempt, _lock = alive(store, "going", keep=keep)
    assert store.runs.detail(run_id).kept_epoch is None
    with store.writing(run_id, attempt) as writer:
        for one in (*HISTORY, epoch(4, train_loss=math.nan, is_best=False)):
            writer.epoch(one)
    found = store.runs.detail(run_id).kept_epoch
    assert found is not None
    assert found.epoch == kept


@pytest.mark.app
def test_biases_are_drawn_while_a_run_trains(store: Store) -> None:
    run_id, attempt, _lock = alive(store, "going")
    with store.writing(run_id, attempt) as writer:
        writer.epoch(HISTORY[0])

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        app.post_message(OpenRun(run_id))
        await settled(pilot)
        await press(pilot, "3")
        await until(pilot, lambda: "kept @ 1" in screen_text(app))
        with store.writing(run_id, attempt) as writer:
            writer.epoch(HISTORY[1])
            writer.epoch(HISTORY[2])
        await until(pilot, lambda: "kept @ 2" in screen_text(app))
        chart = app.screen.query_one(Chart)
        assert [list(one.y) for one in chart.series] == [[0.5, 0.25, 0.75], [12.0, 13.0, 14.0]]
        for width, height in ((80, 24), (200, 60)):
            await pilot.resize_terminal(width, height)
            await settled(pilot)
            assert screen_text(app).count("◎") == 2
            assert "gender 0.75" in screen_text(app), "the newest value"
            assert "age 14.00" in screen_text(app), "as in tables"
            assert "kept @ 2" in screen_text(app)

    use(store, scenario)
