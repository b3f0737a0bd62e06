"""Every loss beside an independent NumPy statement of Keras' formula, in double precision."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from engine.choices import LOSSES
from engine.errors import ConfigError
from engine.losses import build_loss, reduce

Floats = NDArray[np.float64]
EPSILON = 1e-7

# Ages with both ends of the scale, and predictions with exact hits and both ends too.
AGES = np.array([0.0, 100.0, 30.0, 30.0, 30.0, 2.5, 61.25, 45.0, 0.4, 99.6])
PREDICTED = np.array([0.2, 0.999, 0.3, 0.0, 1.0, 0.5, 0.01, 0.47, 0.6, 0.3])
WEIGHTS = np.array([1.2767, 0.4254, 1.3883, 6.8666, 0.98283, 1.01778, 0.38472, 3.19575, 11.38655, 0.0])


def huber(y: Floats, p: Floats, delta: float = 1.0) -> Floats:
    error = np.abs(p - y)
    return np.where(error <= delta, 0.5 * error**2, delta * error - 0.5 * delta**2)


FORMULAS: dict[str, Callable[[Floats, Floats], Floats]] = {
    "mse": lambda y, p: (p - y) ** 2,
    "mae": lambda y, p: np.abs(p - y),
    "mape": lambda y, p: 100 * np.abs((y - p) / np.maximum(np.abs(y), EPSILON)),
    "msle": lambda y, p: (np.log1p(np.maximum(p, EPSILON)) - np.log1p(np.maximum(y, EPSILON))) ** 2,
    "poisson": lambda y, p: p - y * np.log(p + EPSILON),
    "huber": huber,
    "logcosh": lambda y, p: np.log(np.cosh(p - y)),
}


def keras_scce(ages: Floats, logits: Floats) -> Floats:
    """Softmax, Keras' division by the sum and clipping, then minus the log of the true class's probability."""
    probabilities = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    probabilities = np.clip(probabilities, EPSILON, 1 - EPSILON)
    classes = [math.floor(age + 0.5) for age in ages]
    return np.asarray(-np.log(probabilities[np.arange(len(ages)), classes]))


def tensor(values: Floats) -> torch.Tensor:
    return torch.from_numpy(values).float()


def test_every_loss_that_a_config_may_name_is_checked_here() -> None:
    assert set(LOSSES) == {*FORMULAS, "scce"}


@pytest.mark.parametrize("name", FORMULAS)
def test_each_image_has_the_loss_of_keras_formula(name: str) -> None:
    loss = build_loss(name)
    assert (loss.name, loss.outputs) == (name, 1)
    found = loss.per_image(tensor(PREDICTED), tensor(AGES / 100))
    assert found.dtype is torch.float32
    np.testing.assert_allclose(found.numpy(), FORMULAS[name](AGES / 100, PREDICTED), rtol=2e-5, atol=1e-7)


@pytest.mark.parametrize("name", FORMULAS)
def test_the_batch_loss_is_the_weighted_sum_over_the_batch_size(name: str) -> None:
    per_image = build_loss(name).per_image(tensor(PREDICTED), tensor(AGES / 100))
    expected = FORMULAS[name](AGES / 100, PREDICTED)
    assert reduce(per_image, None).item() == pytest.approx(expected.sum() / 10, rel=1e-5)
    assert reduce(per_image, tensor(WEIGHTS)).item() == pytest.approx((WEIGHTS * expected).sum() / 10, rel=1e-5)


def test_cross_entropy_is_keras_on_101_classes() -> None:
    loss = build_loss("scce")
    assert loss.outputs == 101
    logits = np.random.default_rng(0).normal(scale=2, size=(len(AGES), 101))
    per_image = loss.per_image(tensor(logits), tensor(AGES / 100))
    expected = keras_scce(AGES, logits)
    np.testing.assert_allclose(per_image.numpy(), expected, rtol=1e-5)
    assert reduce(per_image, None).item() == pytest.approx(expected.sum() / 10, rel=1e-5)
    assert reduce(per_image, tensor(WEIGHTS)).item() == pytest.approx((WEIGHTS * expected).sum() / 10, rel=1e-5)


@pytest.mark.parametrize(("age", "expected"), [(0, 0), (0.49, 0), (29.49, 29), (100, 100), (100.4, 100), (117, 100)])
def test_the_class_is_the_age_in_whole_years(age: float, expected: int) -> None:
    assert class_of(age) == expected


def test_half_years_are_rounded_up() -> None:
    assert [class_of(age + 0.5) for age in range(100)] == list(range(1, 101))


def class_of(age: float) -> int:
    """The class whose logit the loss goes down with."""
    logits = torch.zeros(1, 101, requires_grad=True)
    build_loss("scce").per_image(logits, torch.tensor([age]) / 100).sum().backward()  # type: ignore[no-untyped-call]
    assert logits.grad is not None
    return int(logits.grad.argmin())


def test_a_label_of_zero_outweighs_everything_in_mape() -> None:
    assert build_loss("mape").per_image(torch.tensor([0.2]), torch.tensor([0.0])).item() == pytest.approx(2e8, rel=1e-5)


def test_huber_is_half_the_mse_on_ages_and_linear_beyond() -> None:
    prediction, target = tensor(PREDICTED), tensor(AGES / 100)
    half = build_loss("mse").per_image(prediction, target) / 2
    torch.testing.assert_close(build_loss("huber").per_image(prediction, target), half)
    assert build_loss("huber").per_image(torch.tensor([3.0]), torch.tensor([0.0])).item() == 2.5


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("logit", [-80.0, 0.0, 80.0])
@pytest.mark.parametrize("age", [0.0, 37.0, 100.0])
def test_gradients_are_finite_at_both_ends(name: str, logit: float, age: float) -> None:
    loss = build_loss(name)
    if loss.outputs == 1:
        raw = torch.tensor([logit], requires_grad=True)
        output = raw.sigmoid()
    else:
        raw = torch.zeros(1, 101)
        raw[0, 0], raw[0, 100] = logit, -logit
        output = raw.requires_grad_()
    value = loss.per_image(output, torch.tensor([age / 100])).sum()
    value.backward()  # type: ignore[no-untyped-call]
    assert value.isfinite()
    assert raw.grad is not None
    assert raw.grad.isfinite().all()


@pytest.mark.parametrize("name", LOSSES)
def test_nan_stays_nan(name: str) -> None:
    loss = build_loss(name)
    output = torch.full((2,) if loss.outputs == 1 else (2, 101), 0.5)
    output[1] = math.nan
    per_image = loss.per_image(output, torch.tensor([0.3, 0.3]))
    assert per_image.isnan().tolist() == [False, True]
    assert reduce(per_image, torch.ones(2)).isnan()
    assert loss.years(output).isnan().tolist() == [False, True]


@pytest.mark.parametrize("name", LOSSES)
def test_losses_are_computed_in_fp32(name: str) -> None:
    loss = build_loss(name)
    output = torch.full((2,) if loss.outputs == 1 else (2, 101), 0.5, dtype=torch.bfloat16)
    assert loss.per_image(output, torch.tensor([0.3, 0.3], dtype=torch.float64)).dtype is torch.float32
    assert loss.years(output).dtype is torch.float32


def test_predicted_years_are_the_output_times_100() -> None:
    np.testing.assert_allclose(build_loss("mape").years(tensor(PREDICTED)).numpy(), PREDICTED * 100, rtol=1e-6)


def test_predicted_years_over_classes_are_the_expected_value() -> None:
    logits = np.full((3, 101), -1e4)
    logits[0, 42] = 0
    logits[1, [20, 40]] = 0
    logits[2] = 0
    np.testing.assert_allclose(build_loss("scce").years(tensor(logits)).numpy(), [42, 30, 50], rtol=1e-5)


def test_an_unknown_loss_is_refused() -> None:
    with pytest.raises(ConfigError, match="no loss 'rmse'; choose one of mse, mae, mape"):
        build_loss("rmse")
