"""Compared runs whose predictions, scores and differences agree, and what the screen says of them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from pilot import press, settled, until
from store_rows import epoch, running
from textual.pilot import Pilot

from ageui.store import Store
from ageui.tui.app import AgeUIApp
from ageui.tui.compare.run_picker import RunPicker
from ageui.tui.compare.screen import CompareScreen
from ageui.tui.messages import OpenComparison
from ageui.tui.widgets.side_by_side import SideBySide
from engine.events import Evaluated
from engine.fairness import evaluate_split

GENDERS = ["female", "male"]


ALL_GROUPS = {
    "gender": GENDERS,
    "expression": ["neutral", "happy"],
    "ethnicity": ["asian", "caucasian", "afroamerican"],
    "age": ["<20", "20-40", "40-60", ">=60"],
}


def evaluation(
    skill: float, seed: int, images: int = 60, split: str = "valid", attributes: Sequence[str] = ("gender",)
) -> Evaluated:
    """Scores of predictions that are `skill` years off, a little more on some groups."""
    random = np.random.default_rng(images)
    ages = np.round(random.uniform(5, 80, images), 1)
    codes = np.arange(images, dtype=np.int64) % 2
    wrong = random.choice([-1.0, 1.0], images) * (skill + codes * skill / 10)
    predicted = (ages + wrong + np.random.default_rng(seed).normal(0, 0.2, images)).astype(np.float32)
    groups = {
        name: ((np.arange(images, dtype=np.int64) // (place + 1)) % len(ALL_GROUPS[name]), ALL_GROUPS[name])
        for place, name in enumerate(attributes)
    }
    if "age" in groups:
        groups["age"] = np.digitize(ages, [20, 40, 60]).astype(np.int64), ALL_GROUPS["age"]
    named = {name: [names[code] for code in own] for name, (own, names) in groups.items() if name != "age"}
    frame = pd.DataFrame({"image": [f"{place}.jpg" for place in range(images)], "age": ages, **named})
    result = evaluate_split(ages, predicted.astype(np.float64), groups, 35.0, split=split, resamples=50)
    return Evaluated(split, result, frame, predicted)


def done(
    store: Store,
    name: str,
    skill: float,
    *,
    images: int = 60,
    splits: tuple[str, ...] = ("valid",),
    attributes: Sequence[str] = ("gender",),
    **changes: Any,
) -> int:
    run_id, attempt = running(store, name, **changes)
    with store.writing(run_id, attempt) as writer:
        writer.epoch(epoch(1, val_loss=skill / 10))
        writer.epoch(epoch(2, val_loss=skill / 20))
        for split in splits:
            writer.evaluated(evaluation(skill, run_id, images, split, attributes), "apparent", "faces")
        writer.end("done", "")
    return run_id


def three_runs(store: Store) -> tuple[int, ...]:
    """Two seeds of mse, one mape that is better."""
    return (
        done(store, "mse-a", 8.0, loss="mse", seed=1),
        done(store, "mse-b", 8.2, loss="mse", seed=2),
        done(store, "mape", 4.0, loss="mape", seed=1),
    )


LOSSES = ("mse", "mae", "mape", "huber", "logcosh", "msle")


def dozen(store: Store) -> tuple[int, ...]:
    """Twelve settings, six losses by two weights, each with MAE and four biases; the first is the best."""
    settings = [(loss, weights) for loss in LOSSES for weights in ((), ("gender",))]
    return tuple(
        done(store, f"run-{place}", 4.0 + place / 2, attributes=tuple(ALL_GROUPS), loss=loss, weights=weights)
        for place, (loss, weights) in enumerate(settings)
    )


async def opened(app: AgeUIApp, pilot: "Pilot[Any]", ids: tuple[int, ...]) -> CompareScreen:
    app.post_message(OpenComparison(ids))
    await until(pilot, lambda: isinstance(app.screen, CompareScreen | RunPicker), "the screen opens")
    await settled(pilot)
    screen = next(one for one in app.screen_stack if isinstance(one, CompareScreen))
    await intervals(pilot, screen)
    return screen


async def intervals(pilot: "Pilot[Any]", screen: CompareScreen) -> None:
    await until(pilot, lambda: screen.is_settled, "all intervals are there")


async def keys(pilot: "Pilot[Any]", screen: CompareScreen, *pressed: str) -> None:
    await press(pilot, *pressed)
    await intervals(pilot, screen)


def lines(screen: CompareScreen) -> list[str]:
    return screen.query_one(SideBySide).text()


def line(screen: CompareScreen, label: str) -> str:
    return next((found for found in lines(screen) if found.strip().startswith(label)), "")


def below(screen: CompareScreen, label: str) -> str:
    found = lines(screen)
    return found[found.index(line(screen, label)) + 1]


def shown(app: AgeUIApp, part: str) -> str:
    return str(app.screen.query_one(part).render())
