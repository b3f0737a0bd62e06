"""What every loss keeps to, and the report's beside independent NumPy statements of Keras' formulas in doubles."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from engine.choices import LOSSES
from engine.config import build_config
from engine.losses import Loss, build_loss, reduce

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


def loss_of(name: str, **settings: float) -> Loss:
    return build_loss(build_config({"loss": name, "weights": "gender", **settings}), 2)


def targets(loss: Loss, *ages: float) -> torch.Tensor:
    """Those of images whose votes are not known, in turn of two groups."""
    years = torch.tensor(ages)
    return loss.targets(years, torch.full_like(years, math.nan), torch.arange(len(ages)) % 2)


def outputs(loss: Loss, *values: float, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    """One output for each of `values`, which stands in all of its places."""
    found = torch.tensor(values, dtype=dtype)
    return found if loss.outputs == 1 else found[:, None].repeat(1, loss.outputs)


@pytest.mark.parametrize("name", FORMULAS)
def test_each_image_has_the_loss_of_keras_formula(name: str) -> None:
    loss = loss_of(name)
    assert (loss.name, loss.outputs) == (name, 1)
    found = loss.per_image(tensor(PREDICTED), tensor(AGES / 100))
    assert found.dtype is torch.float32
    np.testing.assert_allclose(found.numpy(), FORMULAS[name](AGES / 100, PREDICTED), rtol=2e-5, atol=1e-7)


@pytest.mark.parametrize("name", FORMULAS)
def test_the_batch_loss_is_the_weighted_sum_over_the_batch_size(name: str) -> None:
    per_image = loss_of(name).per_image(tensor(PREDICTED), tensor(AGES / 100))
    expected = FORMULAS[name](AGES / 100, PREDICTED)
    assert reduce(per_image, None).item() == pytest.approx(expected.sum() / 10, rel=1e-5)
    assert reduce(per_image, tensor(WEIGHTS)).item() == pytest.approx((WEIGHTS * expected).sum() / 10, rel=1e-5)


def test_cross_entropy_is_keras_on_101_classes() -> None:
    loss = loss_of("scce")
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
    loss_of("scce").per_image(logits, torch.tensor([age]) / 100).sum().backward()  # type: ignore[no-untyped-call]
    assert logits.grad is not None
    return int(logits.grad.argmin())


def test_a_label_of_zero_outweighs_everything_in_mape() -> None:
    assert loss_of("mape").per_image(torch.tensor([0.2]), torch.tensor([0.0])).item() == pytest.approx(2e8, rel=1e-5)


def test_huber_is_half_the_mse_on_ages_and_linear_beyond() -> None:
    prediction, target = tensor(PREDICTED), tensor(AGES / 100)
    half = loss_of("mse").per_image(prediction, target) / 2
    torch.testing.assert_close(loss_of("huber").per_image(prediction, target), half)
    assert loss_of("huber").per_image(torch.tensor([3.0]), torch.tensor([0.0])).item() == 2.5


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("logit", [-80.0, 0.0, 80.0])
@pytest.mark.parametrize("age", [0.0, 37.0, 100.0])
def test_gradients_are_finite_at_both_ends(name: str, logit: float, age: float) -> None:
    loss = loss_of(name)
    if loss.outputs == 1:
        raw = torch.tensor([logit, 0.0], requires_grad=True)
        output = raw.sigmoid()
    else:
        raw = torch.zeros(2, loss.outputs)
        raw[0, 0], raw[0, -1] = logit, -logit
        output = raw.requires_grad_()
    value = loss.per_image(output, targets(loss, age, 30.0)).sum()
    value.backward()  # type: ignore[no-untyped-call]
    assert value.isfinite()
    assert raw.grad is not None
    assert raw.grad.isfinite().all()


@pytest.mark.parametrize("name", LOSSES)
def test_a_small_step_down_the_gradient_lowers_the_loss(name: str) -> None:
    loss = loss_of(name, group_dro_step=0)
    generator = torch.Generator().manual_seed(0)
    raw = torch.randn((6,) if loss.outputs == 1 else (6, loss.outputs), generator=generator)
    wanted = targets(loss, 3.0, 22.5, 30.0, 41.0, 77.0, 99.6)
    before = _mean_after(loss, raw.requires_grad_(), wanted)
    (gradient,) = torch.autograd.grad(before, raw)
    slope = gradient.square().sum()
    assert slope > 0
    expected = 1e-3 * before.item()
    after = _mean_after(loss, raw - expected / slope * gradient, wanted)
    assert (before - after).item() == pytest.approx(expected, rel=0.1)


def _mean_after(loss: Loss, raw: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    return reduce(loss.per_image(raw.sigmoid() if loss.outputs == 1 else raw, wanted), None)


@pytest.mark.parametrize("name", [name for name in LOSSES if name != "group-dro"])
def test_nan_stays_nan(name: str) -> None:
    loss = loss_of(name)
    output, wanted = outputs(loss, 0.5, math.nan), targets(loss, 30.0, 30.0)
    per_image = loss.per_image(output, wanted)
    assert per_image.isnan().tolist() == [False, True]
    assert reduce(per_image, torch.ones(2)).isnan()
    assert loss.validation(output, wanted).isnan()
    assert loss.years(output).isnan().tolist() == [False, True]


@pytest.mark.parametrize("name", LOSSES)
def test_losses_are_computed_in_fp32(name: str) -> None:
    loss = loss_of(name)
    output, wanted = outputs(loss, 0.5, 0.5, dtype=torch.bfloat16), targets(loss, 30.0, 30.0).double()
    assert loss.per_image(output, wanted).dtype is torch.float32
    assert loss.validation(output, wanted).dtype is torch.float32
    assert loss.years(output).dtype is torch.float32


@pytest.mark.parametrize("name", LOSSES)
def test_a_train_step_looks_at_no_value(name: str) -> None:
    """Tensors of no content stand for those of a GPU, on which a look would wait for all that was asked before."""
    loss = loss_of(name)
    loss.begin(torch.device("meta"), {})
    output = torch.empty((4,) if loss.outputs == 1 else (4, loss.outputs), device="meta", requires_grad=True)
    wanted = torch.empty(4, *targets(loss, 30.0).shape[1:], device="meta")
    reduce(loss.per_image(output, wanted), torch.empty(4, device="meta")).backward()  # type: ignore[no-untyped-call]
    assert output.grad is not None


@pytest.mark.parametrize("name", [name for name in LOSSES if name not in ("balanced-mse", "group-dro")])
def test_validation_is_the_mean_over_images(name: str) -> None:
    loss = loss_of(name)
    output, wanted = outputs(loss, 0.2, 0.4, 0.9), targets(loss, 30.0, 31.5, 70.0)
    torch.testing.assert_close(loss.validation(output, wanted), loss.per_image(output, wanted).mean())


def test_predicted_years_are_the_output_times_100() -> None:
    np.testing.assert_allclose(loss_of("mape").years(tensor(PREDICTED)).numpy(), PREDICTED * 100, rtol=1e-6)


def test_predicted_years_over_classes_are_the_expected_value() -> None:
    logits = np.full((3, 101), -1e4)
    logits[0, 42] = 0
    logits[1, [20, 40]] = 0
    logits[2] = 0
    np.testing.assert_allclose(loss_of("scce").years(tensor(logits)).numpy(), [42, 30, 50], rtol=1e-5)
