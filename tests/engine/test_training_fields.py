"""Averaged weights, clipped gradients, standardized features, mirror images and L1, beside plain statements."""

from typing import Any

import numpy as np
import pytest
import torch
from tiny_runs import Runner
from torch import nn

import engine.trainer as training
from engine.config import build_config
from engine.errors import ConfigError
from engine.events import EpochEnded, Evaluated, StepsEnded
from engine.losses import build_loss
from engine.models.heads import build_head
from engine.weight_average import WeightAverage

FREEZE: dict[str, Any] = {"strategy": "freeze", "init": "random", "epochs": "2,0"}


def test_the_average_is_that_of_a_plain_loop_and_leaves_the_weights() -> None:
    layer = nn.Linear(3, 2)
    average = WeightAverage(layer, 0.8, {})
    expected = layer.weight.detach().numpy().astype(float)
    for step in range(1, 60):
        with torch.no_grad():
            layer.weight += torch.randn(2, 3, generator=torch.Generator().manual_seed(step))
        average.update(step)
        decay = min(0.8, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * layer.weight.detach().numpy()
    np.testing.assert_allclose(average.values["weight"].numpy(), expected, rtol=1e-4, atol=1e-5)
    own = layer.weight.detach().clone()
    with average.applied():
        assert torch.equal(layer.weight, average.values["weight"])
    assert torch.equal(layer.weight, own)


def test_averaged_weights_are_scored_and_kept(runner: Runner) -> None:
    plain, averaged = runner(epochs=1, keep="last"), runner(epochs=1, keep="last", ema=0.9)
    losses = [[told.losses for told in seen.all(StepsEnded)] for seen in (plain, averaged)]
    assert losses[0] == losses[1]
    names = [name for name, tensor in plain.weights.items() if not torch.equal(tensor, averaged.weights[name])]
    assert names
    assert not any("running" in name or "num_batches" in name for name in names)
    (scored,) = [one for one in averaged.all(Evaluated) if one.split == "valid"]
    assert averaged.all(EpochEnded)[-1].val_mae == pytest.approx(scored.result.mae, rel=1e-5)


def test_the_gradient_of_a_step_is_clipped_as_one_vector(runner: Runner) -> None:
    settings: dict[str, Any] = {"optimizer": "sgd", "lr": 1, "epochs": 1, "batch": 65, "keep": "last", "bn": "frozen"}
    still = runner(**{**settings, "lr": 1e-30}).weights
    moves = []
    for clip_norm in (None, 1e-2):
        weights = runner(**settings, clip_norm=clip_norm).weights
        moves.append(torch.cat([(weights[name] - still[name]).double().flatten() for name in sorted(weights)]))
    assert moves[1].norm().item() == pytest.approx(1e-2, rel=1e-3)
    np.testing.assert_allclose(moves[1] / moves[1].norm(), moves[0] / moves[0].norm(), atol=1e-4)


def test_standardized_features_have_mean_0_and_deviation_1() -> None:
    features = torch.randn(3000, 5, generator=torch.Generator().manual_seed(0)) * 7 + 3
    features[:, 4] = 2.0
    head = build_head("1-sigmoid", 5, (), 1, 0, standardize=True, dropout=0.5)
    head[0].fit(features)
    found = head[0](features)
    np.testing.assert_allclose(found.mean(0), np.zeros(5), atol=1e-4)
    np.testing.assert_allclose(found.std(0, correction=0), [1, 1, 1, 1, 0], atol=1e-4)


@pytest.mark.parametrize("augment", ["none", "report"])
def test_cached_features_of_mirror_images_are_those_of_images(
    runner: Runner, monkeypatch: pytest.MonkeyPatch, augment: str
) -> None:
    settings: dict[str, Any] = {**FREEZE, "mirror": True, "standardize": True, "augment": augment}
    cached = runner(**settings)
    monkeypatch.setattr(training.Trainer, "_frozen_inputs", lambda self: self.setup.images)
    computed = runner(**settings)
    for one, two in zip(cached.all(Evaluated), computed.all(Evaluated), strict=True):
        np.testing.assert_allclose(one.predicted, two.predicted, atol=1e-3)
    without = runner(**{**settings, "mirror": False})
    assert (without.all(Evaluated)[0].predicted != computed.all(Evaluated)[0].predicted).any()


def test_standardized_features_need_weights_to_begin_with() -> None:
    with pytest.raises(ConfigError, match="scratch starts from random ones; choose --strategy freeze or finetune"):
        build_config({"strategy": "scratch", "standardize": True})


def test_dldl_with_l1_adds_the_error_of_the_expected_age_in_years() -> None:
    output = torch.randn(6, 101, generator=torch.Generator().manual_seed(0))
    ages, unknown = torch.linspace(5, 90, 6), torch.full((6,), torch.nan)
    plain, more = (build_loss(build_config({"loss": "dldl", "l1_lambda": weight})) for weight in (0, 0.2))
    targets = more.targets(ages, unknown, torch.zeros(6))
    expected = plain.per_image(output, targets) + 0.2 * (more.years(output) - ages).abs()
    torch.testing.assert_close(more.per_image(output, targets), expected)
