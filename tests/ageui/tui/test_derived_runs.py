"""Derived runs in the application: the table, one run's screen, and a comparison."""

from typing import Any

import pytest
from derived_rows import calibrated_run, scored_run
from pilot import messages, press, screen_text, settled, until, use
from textual.pilot import Pilot

from ageui.derive.deriving import make_ensemble
from ageui.store import Store
from ageui.tui.app import AgeUIApp
from ageui.tui.messages import OpenComparison, OpenRun

pytestmark = pytest.mark.app


def test_derived_runs_are_listed_opened_and_compared(store: Store) -> None:
    runs = [scored_run(store, f"run-{seed}", seed=seed) for seed in range(2)]
    ensemble = make_ensemble(store, runs, name="both")
    calibrated = calibrated_run(store, ensemble, name="even")

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        assert screen_text(app).count("∑") == 2
        app.post_message(OpenRun(calibrated))
        await settled(pilot)
        assert "calibrated, mean of 2" in screen_text(app)
        assert "no curves: made from both" in screen_text(app)
        await press(pilot, "8")
        await press(pilot, "tab", "end")
        assert "made from" in screen_text(app)
        app.post_message(OpenComparison((ensemble, calibrated)))
        await settled(pilot)
        assert "calibrated, mean of 2" in screen_text(app)

    use(store, scenario)


def test_calibrations_fold_over_their_seeds(store: Store) -> None:
    for seed in range(2):
        calibrated_run(store, scored_run(store, f"run-{seed}", seed=seed))

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await press(pilot, "f")
        assert [line for line in screen_text(app).splitlines() if "calibrated" in line and "×2" in line]

    use(store, scenario)


@pytest.mark.process
def test_selected_runs_are_averaged_and_calibrated_with_undo(store: Store) -> None:
    for seed in range(2):
        scored_run(store, f"run-{seed}", seed=seed)

    async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
        await press(pilot, "ctrl+a", "M")
        await until(pilot, lambda: store.runs.count("source=derived") == 1)
        await until(pilot, lambda: "mean of 2" in screen_text(app))
        await press(pilot, "L")
        await until(pilot, lambda: store.runs.count("source=derived") == 3)
        await settled(pilot)
        await until(pilot, lambda: any("2 runs made" in one for one in messages(app)))
        await press(pilot, "u")
        await until(pilot, lambda: store.runs.count("source=derived") == 1)

    use(store, scenario)
