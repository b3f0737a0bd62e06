"""The scores of epochs are those of the final scores, and come after the same epochs each time."""

import hashlib
import math
from typing import Any

import numpy as np
import pytest
import torch
from tiny_runs import Runner

from engine.config import build_config
from engine.data.spec import DataSpec, SyntheticOptions
from engine.epoch_scorer import EpochScorer, scoring_interval
from engine.epoch_scores import EpochScores
from engine.events import EpochEnded, EpochScored, Evaluated
from engine.fairness import evaluate_split
from engine.request import CheckpointFile
from engine.split_result import SplitResult

FREEZE: dict[str, Any] = {"strategy": "freeze", "init": "random", "epochs": "7,2", "lr": "0.5,1e-3", "patience": "none"}


def _assert_same(scores: EpochScores | None, result: SplitResult) -> None:
    assert scores is not None
    assert (scores.n, scores.mae) == pytest.approx((result.n, result.mae), rel=0, abs=0, nan_ok=True)
    assert list(scores.bias) == [bias.attribute for bias in result.biases]
    groups = iter(scores.groups)
    for bias in result.biases:
        assert (scores.bias[bias.attribute] is None) == (bias.value is None)
        assert scores.bias[bias.attribute] == pytest.approx(bias.value, rel=0, abs=0, nan_ok=True)
        for group in bias.groups:
            found = next(groups)
            assert (found.attribute, found.group, found.n) == (bias.attribute, group.group, group.n)
            assert (found.mae is None) == (group.mae is None)
            assert found.mae == pytest.approx(group.mae, nan_ok=True)
            assert found.signed == pytest.approx(group.signed, abs=1e-12, nan_ok=True)
    assert not list(groups)


@pytest.mark.parametrize("special", [(), (math.nan,), (math.inf,), (math.inf, -math.inf)])
def test_scores_follow_the_formulas_of_the_final_ones(special: tuple[float, ...]) -> None:
    random = np.random.default_rng(0)
    ages = random.uniform(5, 80, 300)
    predicted = ages + random.normal(0, 9, 300)
    predicted[: len(special)] = special
    groups = {
        "gender": (random.integers(-1, 2, 300), ("male", "female")),
        "expression": (random.integers(0, 3, 300), ("neutral", "happy", "other", "none of these")),
        "lone": (np.zeros(300, dtype=np.int64), ("all",)),
        "unknown": (np.full(300, -1), ("a", "b")),
        "age": (np.searchsorted([20.0, 40.0, 60.0], ages, side="right"), ("<20", "20-40", "40-60", ">=60")),
    }
    scores = EpochScorer(ages, groups).scores(predicted)
    with np.errstate(invalid="ignore"):
        _assert_same(scores, evaluate_split(ages, predicted, groups, None, resamples=0))
    assert (scores.bias["expression"], scores.bias["lone"], scores.bias["unknown"]) == (None, None, None)


@pytest.mark.parametrize("settings", [{"epochs": 3}, {**FREEZE, "epochs": "3,0"}, {"loss": "scce", "keep": "last"}])
def test_the_kept_epoch_has_the_final_scores_on_validation(runner: Runner, settings: dict[str, Any]) -> None:
    seen = runner(**settings, scoring_interval=2)
    (result,) = [event.result for event in seen.all(Evaluated) if event.split == "valid"]
    (kept,) = [epoch for epoch in seen.epochs if epoch.epoch == seen.best.epoch]
    _assert_same(kept.scores, result)


def test_epochs_on_cached_features_are_scored_by_number_and_the_best_and_last_too(runner: Runner) -> None:
    seen = runner(**FREEZE, scoring_interval=3)
    in_first = [epoch for epoch in seen.epochs if epoch.stage == 1]
    best_so_far = {max(epoch.epoch for epoch in in_first[:until] if epoch.is_best) for until in (3, 6, 7)}
    late = {event.epoch for event in seen.all(EpochScored)}
    assert late == best_so_far - {3, 6, 7} != set()
    assert [epoch.epoch for epoch in seen.epochs if epoch.scores] == sorted({3, 6, 7, 8, 9} | late)
    every = runner(**FREEZE)
    assert all(epoch.scores is not None for epoch in every.all(EpochEnded))
    assert all(epoch.scores in (None, full.scores) for epoch, full in zip(seen.epochs, every.epochs, strict=True))


def test_the_last_epoch_is_scored_where_a_stage_stops_early(runner: Runner) -> None:
    settings = {**FREEZE, "epochs": "20,0", "patience": 1, "min_delta": 1000.0}
    assert [epoch.scores is not None for epoch in runner(**settings, scoring_interval=20).epochs] == [True, True]


def test_without_labelled_validation_images_nothing_is_scored(runner: Runner) -> None:
    runner.spec = DataSpec(
        name="faces", format="synthetic", synthetic=SyntheticOptions(counts=(65, 0, 20), image_size=32)
    )
    assert [epoch.scores for epoch in runner().all(EpochEnded)] == [None, None]


def _without_predictions(newest: CheckpointFile) -> CheckpointFile:
    """The checkpoint as it was written before epochs were scored."""
    content = torch.load(newest.path, weights_only=True)
    del content["best"]["predicted"]
    older = newest.path.with_name("older.pt")
    torch.save(content, older)
    return CheckpointFile(path=older, sha256=hashlib.sha256(older.read_bytes()).hexdigest())


def test_a_run_continues_from_a_checkpoint_from_before_epochs_were_scored(runner: Runner) -> None:
    undisturbed = runner(**FREEZE)
    stopped = runner(**FREEZE, stop_after=9)
    resumed = runner(**FREEZE, checkpoints=(_without_predictions(stopped.newest[0]),))
    assert resumed.best.sha256 == undisturbed.best.sha256
    assert [epoch.scores for epoch in resumed.epochs] == [epoch.scores for epoch in undisturbed.epochs[4:]]


def test_the_interval_follows_from_the_steps_of_an_epoch() -> None:
    config = build_config({"batch": 50})
    intervals = [scoring_interval(config, images) for images in (None, 0, 100, 5_000, 24_999, 25_000, 10**6)]
    assert intervals == [20, 20, 20, 5, 1, 1, 1]
