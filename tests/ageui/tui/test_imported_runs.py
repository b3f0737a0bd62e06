"""Runs of other tools in the application: the table, the screen of one run, and a comparison."""

from typing import Any

import pytest
from derived_rows import scored_run
from pilot import press, screen_text, settled, use
from textual.pilot import Pilot

from ageui.store import Store
from ageui.store.foreign_runs import ForeignRun
from ageui.tui.app import AgeUIApp
from ageui.tui.messages import OpenComparison, OpenRun

pytestmark = pytest.mark.app


def test_imported_runs_are_listed_opened_with_curves_and_compared(store: Store) -> None:
    own = scored_run(store, "own")
    history = {"train_loss": {1: 0.5, 2: 0.25}, "val_loss": {1: 0.4, 2: float("nan"), 4: 0.2}}
    old = ForeignRun("old", {"mae": 6.5, "gender": 0.5}, history, "a.csv", {"loss": "mape"})
    bare = ForeignRun("bare", {"mae": 7.5}, {}, "b.csv")
    with_curves, without = store.foreign.add([old, bare])
    assert store.problems() == []

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        assert screen_text(app).count("◆") == 2
        app.post_message(OpenRun(with_curves))
        await settled(pilot)
        assert "from another tool, not trained here" in screen_text(app)
        assert "6.50" in screen_text(app)
        assert "train loss NaN" not in screen_text(app)
        assert "1 value not finite" in screen_text(app)
        assert "weights none" not in screen_text(app)
        assert "no curves" not in screen_text(app)
        await press(pilot, "8")
        assert "--loss" in screen_text(app)
        assert "cannot run this config" not in screen_text(app)
        app.post_message(OpenRun(without))
        await settled(pilot)
        assert "7.50" in screen_text(app)
        await press(pilot, "1")
        assert "no curves: from another tool, not trained here" in screen_text(app)
        app.post_message(OpenComparison((with_curves, without)))
        await settled(pilot)
        assert "2 runs / no scores yet" in screen_text(app)
        app.post_message(OpenComparison((own, with_curves, without)))
        await settled(pilot)
        assert screen_text(app).count("◆") >= 2
        assert "3 runs on synthetic / " in screen_text(app)
        assert "◆ imported" in screen_text(app)
        assert "published" not in screen_text(app)

    use(store, scenario)
