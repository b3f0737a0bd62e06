"""Optimizers beside an independent NumPy statement of Keras' updates, in double precision."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from engine.choices import OPTIMIZERS
from engine.errors import ConfigError
from engine.optimizers import build_optimizer

Floats = NDArray[np.float64]
EPSILON = 1e-7
STEPS = 10
DECAY = 0.3


def keras_adam(weights: Floats, gradients: Floats, lr: float) -> Iterator[Floats]:
    m = v = np.zeros_like(weights)
    for t, g in enumerate(gradients, start=1):
        alpha = lr * np.sqrt(1 - 0.999**t) / (1 - 0.9**t)
        m = m + (g - m) * (1 - 0.9)
        v = v + (g**2 - v) * (1 - 0.999)
        weights = weights - m * alpha / (np.sqrt(v) + EPSILON)
        yield weights


def keras_adamw(weights: Floats, gradients: Floats, lr: float) -> Iterator[Floats]:
    """Each step takes the decay away first, as the reference of Loshchilov & Hutter does in one sum."""
    m = v = np.zeros_like(weights)
    for t, g in enumerate(gradients, start=1):
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
        step = m * lr * np.sqrt(1 - 0.999**t) / (1 - 0.9**t) / (np.sqrt(v) + EPSILON)
        weights = weights * (1 - lr * DECAY) - step
        yield weights


def keras_sgd(weights: Floats, gradients: Floats, lr: float, momentum: float = 0.0) -> Iterator[Floats]:
    velocity = np.zeros_like(weights)
    for g in gradients:
        velocity = momentum * velocity - g * lr
        weights = weights + velocity
        yield weights


def keras_adadelta(weights: Floats, gradients: Floats, lr: float) -> Iterator[Floats]:
    accumulated_gradient = accumulated_delta = np.zeros_like(weights)
    for g in gradients:
        accumulated_gradient = 0.95 * accumulated_gradient + 0.05 * g**2
        delta = -np.sqrt(accumulated_delta + EPSILON) * g / np.sqrt(accumulated_gradient + EPSILON)
        accumulated_delta = 0.95 * accumulated_delta + 0.05 * delta**2
        weights = weights + lr * delta
        yield weights


CASES: dict[str, tuple[str, float, Callable[[Floats, Floats, float], Iterator[Floats]]]] = {
    "adam": ("adam", 0.0, keras_adam),
    "adamw": ("adamw", 0.0, keras_adamw),
    "sgd": ("sgd", 0.0, keras_sgd),
    "sgd with momentum": ("sgd", 0.9, lambda weights, gradients, lr: keras_sgd(weights, gradients, lr, 0.9)),
    "adadelta": ("adadelta", 0.0, keras_adadelta),
}


def gradients_of(scale: float) -> Floats:
    return np.random.default_rng(0).normal(size=(STEPS, 7)) * scale


def optimizer_over(parameter: nn.Parameter, case: str, lr: float) -> torch.optim.Optimizer:
    name, momentum, _ = CASES[case]
    return build_optimizer(name, [parameter], lr, momentum, DECAY)


def steps(parameter: nn.Parameter, optimizer: torch.optim.Optimizer, gradients: Floats) -> list[Floats]:
    seen = []
    for gradient in gradients:
        parameter.grad = torch.from_numpy(gradient.copy())
        optimizer.step()
        seen.append(parameter.detach().numpy().copy())
    return seen


def test_every_optimizer_that_a_config_may_name_is_checked_here() -> None:
    assert {name for name, _, _ in CASES.values()} == set(OPTIMIZERS)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("scale", [1.0, 1e-6])
@pytest.mark.parametrize("lr", [1e-2, 1e-5])
def test_each_step_is_keras_step(case: str, scale: float, lr: float) -> None:
    start, gradients = np.zeros(7), gradients_of(scale)
    parameter = nn.Parameter(torch.from_numpy(start.copy()))
    found = steps(parameter, optimizer_over(parameter, case, lr), gradients)
    expected = list(CASES[case][2](start, gradients, lr))
    assert np.abs(expected[-1]).max() > 0
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=0)


@pytest.mark.parametrize("case", CASES)
def test_taking_up_a_saved_state_continues_exactly(case: str) -> None:
    gradients = gradients_of(1e-6)
    whole = nn.Parameter(torch.zeros(7, dtype=torch.float64))
    expected = steps(whole, optimizer_over(whole, case, 1e-3), gradients)

    first = nn.Parameter(torch.zeros(7, dtype=torch.float64))
    before = optimizer_over(first, case, 1e-3)
    steps(first, before, gradients[:4])
    second = nn.Parameter(first.detach().clone())
    after = optimizer_over(second, case, 1e-3)
    after.load_state_dict(before.state_dict())
    np.testing.assert_array_equal(steps(second, after, gradients[4:]), expected[4:])


def test_plain_torch_adam_would_walk_another_way_under_weak_gradients() -> None:
    gradients = gradients_of(1e-6)
    ours, torchs = (nn.Parameter(torch.zeros(7, dtype=torch.float64)) for _ in range(2))
    found = steps(ours, build_optimizer("adam", [ours], 1e-3, 0.0), gradients)
    plain = steps(torchs, torch.optim.Adam([torchs], lr=1e-3, eps=EPSILON), gradients)
    assert np.abs(plain[-1]).sum() > 1.2 * np.abs(found[-1]).sum()


def test_adamw_decays_as_torchs() -> None:
    gradients = gradients_of(1e4)  # so large that the place of epsilon does not matter
    ours, torchs = (nn.Parameter(torch.linspace(-1, 1, 7, dtype=torch.float64)) for _ in range(2))
    found = steps(ours, build_optimizer("adamw", [ours], 1e-2, 0.0, DECAY), gradients)
    expected = steps(torchs, torch.optim.AdamW([torchs], lr=1e-2, weight_decay=DECAY), gradients)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_the_learning_rate_can_be_read_back() -> None:
    for name in OPTIMIZERS:
        optimizer = build_optimizer(name, [nn.Parameter(torch.zeros(1))], 3e-4, 0.0)
        assert optimizer.param_groups[0]["lr"] == 3e-4


def test_an_unknown_optimizer_is_refused() -> None:
    with pytest.raises(ConfigError, match="unknown optimizer 'rmsprop'; choose one of adam, adamw, sgd, adadelta"):
        build_optimizer("rmsprop", [nn.Parameter(torch.zeros(1))], 1e-3, 0.0)
