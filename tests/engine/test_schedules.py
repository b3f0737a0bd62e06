"""Learning rates beside torch's schedulers."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, LRScheduler, OneCycleLR, SequentialLR

from engine.config import build_config
from engine.schedules import learning_rate

STEPS = 40
Build = Callable[[torch.optim.Optimizer], LRScheduler]


def torch_rates(build: Build) -> Iterator[float]:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.01)
    scheduler = build(optimizer)
    for _ in range(STEPS):
        yield optimizer.param_groups[0]["lr"]
        optimizer.step()
        scheduler.step()


def warmed(optimizer: torch.optim.Optimizer) -> LRScheduler:
    rise, fall = LinearLR(optimizer, 1 / 10, total_iters=9), CosineAnnealingLR(optimizer, 30)
    return SequentialLR(optimizer, [rise, fall], [10])


@pytest.mark.parametrize(
    ("settings", "build"),
    [
        ({"schedule": "cosine"}, lambda optimizer: CosineAnnealingLR(optimizer, STEPS)),
        ({"schedule": "cosine", "warmup": 0.25}, warmed),
        ({"warmup": 0.25}, lambda optimizer: LinearLR(optimizer, 1 / 10, total_iters=9)),
        ({"schedule": "one-cycle"}, lambda optimizer: OneCycleLR(optimizer, 0.01, STEPS)),
        ({"schedule": "one-cycle", "warmup": 0.1}, lambda optimizer: OneCycleLR(optimizer, 0.01, STEPS, pct_start=0.1)),
        ({}, lambda optimizer: LinearLR(optimizer, 1.0)),
    ],
)
def test_rates_are_those_of_torch(settings: dict[str, Any], build: Build) -> None:
    config = build_config({**settings, "lr": "1,0.01"})
    found = [learning_rate(config, 2, step, STEPS) for step in range(STEPS)]
    assert found == pytest.approx(list(torch_rates(build)), rel=1e-9, abs=1e-15)


@pytest.mark.parametrize("schedule", ["constant", "cosine", "one-cycle"])
@pytest.mark.parametrize("warmup", ["none", 0, 0.3, 0.99])
@pytest.mark.parametrize("steps", [1, 2, 3, 10])
def test_stages_of_few_steps_have_rates_too(schedule: str, warmup: Any, steps: int) -> None:
    config = build_config({"schedule": schedule, "warmup": warmup, "lr": 0.01})
    assert all(0 < learning_rate(config, 1, step, steps) <= 0.01 + 1e-12 for step in range(steps))
