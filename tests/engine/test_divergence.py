"""Runs whose loss becomes non-finite: what they keep, and how that is scored."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from tiny_runs import Runner

import engine.train_step as train_step
from engine.events import CheckpointWritten, EpochEnded, Evaluated, Event, Progressed


def test_a_loss_that_leaves_the_numbers_ends_the_run_as_diverged(
    runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    _let_losses_become_nan(monkeypatch, 3)
    seen = runner(epochs=5)
    assert seen.ended.outcome == "diverged"
    assert "epoch 2" in seen.ended.reason
    history = seen.all(EpochEnded)
    assert len(history) == 2
    assert math.isfinite(history[0].train_loss)
    assert math.isnan(history[1].train_loss)
    assert not history[1].is_best
    assert seen.best.epoch == 1
    monkeypatch.undo()
    undisturbed = runner(epochs=1)
    for name, tensor in undisturbed.weights.items():
        assert torch.equal(tensor, seen.weights[name]), name
    for one, other in zip(seen.all(Evaluated), undisturbed.all(Evaluated), strict=True):
        assert (one.split, one.result) == (other.split, other.result)
        assert np.array_equal(one.predicted, other.predicted)


def test_a_run_that_diverges_while_its_backbone_is_frozen_is_scored_as_one_that_ended_before(
    runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings: dict[str, Any] = {"strategy": "freeze", "init": "random"}
    undisturbed = runner(**settings, epochs="1,0")
    _let_losses_become_nan(monkeypatch, 3)
    seen = runner(**settings, epochs="3,1", scoring_interval=20)
    assert (seen.ended.outcome, seen.best.epoch) == ("diverged", 1)
    best, last = (epoch.scores for epoch in seen.epochs)
    assert best == undisturbed.epochs[0].scores
    assert last is not None
    assert all(math.isnan(value) for value in (last.mae, last.bias["age"] or 0.0, last.groups[0].mae or 0.0))
    for one, other in zip(seen.all(Evaluated), undisturbed.all(Evaluated), strict=True):
        assert np.array_equal(one.predicted, other.predicted)


def test_a_diverged_run_that_is_stopped_while_it_is_scored_diverges_again_and_is_scored(
    runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    def is_scoring(events: list[Event]) -> bool:
        return any(isinstance(event, Progressed) and event.what.startswith("scoring") for event in events)

    with monkeypatch.context() as patched:
        _let_losses_become_nan(patched, 3)
        whole = runner(epochs=5)
    with monkeypatch.context() as patched:
        _let_losses_become_nan(patched, 3)
        stopped = runner(epochs=5, stop=is_scoring)
    assert (stopped.ended.outcome, stopped.states) == ("interrupted", [])
    assert stopped.best.sha256 == whole.best.sha256
    with monkeypatch.context() as patched:
        _let_losses_become_nan(patched, 3)
        resumed = runner(epochs=5, checkpoints=stopped.newest)
    assert (resumed.ended.reason, resumed.best.sha256) == (whole.ended.reason, whole.best.sha256)
    for one, other in zip(resumed.all(Evaluated), whole.all(Evaluated), strict=True):
        assert np.array_equal(one.predicted, other.predicted)


@pytest.mark.parametrize("keep", ["best", "last"])
def test_weights_kept_from_before_a_diverging_stage_are_those_of_one_epoch(
    runner: Runner, keep: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings: dict[str, Any] = {"strategy": "freeze", "init": "random", "bn": "train", "keep": keep}
    undisturbed = runner(**settings, epochs="1,0")
    _let_losses_become_nan(monkeypatch, 3)
    seen = runner(**settings, epochs="1,1")
    assert seen.ended.outcome == "diverged"
    assert seen.best.epoch == 1
    for name, tensor in undisturbed.weights.items():
        assert torch.equal(tensor, seen.weights[name]), name


def test_a_run_that_diverges_in_its_first_epoch_has_nothing_to_keep(
    runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train_step, "reduce", lambda per_image, weights: per_image.sum() * math.nan)
    seen = runner()
    assert seen.ended.outcome == "diverged"
    assert seen.all(CheckpointWritten) == []
    assert not list(seen.folder.glob("*"))


def _let_losses_become_nan(monkeypatch: pytest.MonkeyPatch, steps_before: int) -> None:
    """Makes train losses NaN after so many steps of all runs."""
    steps = iter(range(1000))
    real = train_step.reduce

    def exploding(per_image: torch.Tensor, weights: torch.Tensor | None) -> torch.Tensor:
        return real(per_image, weights) * (math.nan if weights is not None and next(steps) >= steps_before else 1.0)

    monkeypatch.setattr(train_step, "reduce", exploding)
