"""The losses beyond the report beside their papers' formulas, written out one image and one class at a time."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from engine.config import build_config
from engine.losses import Loss, build_loss, reduce
from engine.losses.group_dro import GroupDro

Floats = NDArray[np.float64]
NAN = math.nan
AGES = [3.0, 22.4, 30.0, 41.0, 77.0, 99.6]


def loss_of(name: str, groups: int = 1, **settings: Any) -> Loss:
    return build_loss(build_config({"loss": name, "weights": "gender", **settings}), groups)


def targets(loss: Loss, ages: list[float], spreads: list[float] | None = None, groups: list[int] | None = None) -> Any:
    return loss.targets(
        torch.tensor(ages), torch.tensor(spreads or [NAN] * len(ages)), torch.tensor(groups or [0] * len(ages))
    )


def drawn_logits(count: int, outputs: int) -> Floats:
    return np.random.default_rng(0).normal(scale=2, size=(count, outputs))


def softmax(logits: Floats) -> list[float]:
    raised = [math.exp(logit - logits.max()) for logit in logits]
    return [value / sum(raised) for value in raised]


# Label distributions


def divergence(logits: Floats, age: float, sigma: float) -> float:
    densities = [math.exp(-((k - age) ** 2) / (2 * sigma**2)) / (sigma * math.sqrt(2 * math.pi)) for k in range(101)]
    wanted = [density / sum(densities) for density in densities]
    found = softmax(logits)
    return sum(p * math.log(p / q) for p, q in zip(wanted, found, strict=True) if p > 0)


def test_dldl_is_the_divergence_from_a_normal_distribution_of_the_votes() -> None:
    loss = loss_of("dldl", dldl_sigma=3)
    logits = drawn_logits(6, 101)
    spreads = [4.5, 1.0, NAN, 0.0, 0.01, 12.0]
    found = loss.per_image(torch.from_numpy(logits), targets(loss, AGES, spreads))
    used = [4.5, 1.0, 3.0, 3.0, 0.5, 12.0]
    expected = [divergence(row, age, sigma) for row, age, sigma in zip(logits, AGES, used, strict=True)]
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-4)


def test_dldl_is_zero_for_the_wanted_distribution_and_reads_its_age_from_it() -> None:
    loss = loss_of("dldl")
    wanted = torch.stack([-((torch.arange(101) - age) ** 2) / (2 * 2.0**2) for age in (20.0, 30.25, 64.5)])
    assert loss.per_image(wanted, targets(loss, [20.0, 30.25, 64.5])).abs().max() < 1e-5
    np.testing.assert_allclose(loss.years(wanted).numpy(), [20.0, 30.25, 64.5], rtol=1e-4)


def mean_variance(logits: Floats, age: float) -> float:
    probabilities = softmax(logits)
    mean = sum(k * p for k, p in enumerate(probabilities))
    variance = sum(p * (k - mean) ** 2 for k, p in enumerate(probabilities))
    own = probabilities[math.floor(age + 0.5)]
    return -math.log(own) + 0.2 * (mean - age) ** 2 / 2 + 0.05 * variance


def test_mean_variance_adds_the_terms_of_pan_et_al_to_cross_entropy() -> None:
    loss = loss_of("mean-variance")
    logits = drawn_logits(6, 101)
    found = loss.per_image(torch.from_numpy(logits), targets(loss, AGES))
    expected = [mean_variance(row, age) for row, age in zip(logits, AGES, strict=True)]
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-4)


def test_mean_variance_without_both_is_cross_entropy() -> None:
    loss, plain = loss_of("mean-variance", mean_lambda=0, variance_lambda=0), loss_of("scce")
    logits = torch.from_numpy(drawn_logits(6, 101))
    torch.testing.assert_close(
        loss.per_image(logits, targets(loss, AGES)), plain.per_image(logits, targets(plain, AGES))
    )


# Thresholds


def coral(logits: Floats, age: float) -> float:
    total = 0.0
    for k, logit in enumerate(logits):
        passed = 1.0 if math.floor(age + 0.5) > k else 0.0
        probability = 1 / (1 + math.exp(-logit))
        total -= passed * math.log(probability) + (1 - passed) * math.log(1 - probability)
    return total


def test_coral_is_binary_cross_entropy_of_100_thresholds() -> None:
    loss = loss_of("coral")
    assert (loss.outputs, loss.shares_weights) == (100, True)
    logits = drawn_logits(6, 100)
    found = loss.per_image(torch.from_numpy(logits), targets(loss, AGES))
    expected = [coral(row, age) for row, age in zip(logits, AGES, strict=True)]
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-5)


def test_corals_age_is_the_number_of_thresholds_passed() -> None:
    logits = torch.full((3, 100), -50.0)
    logits[0, :42] = 50
    logits[1, :30], logits[1, 30] = 50, math.log(3)
    logits[2] = 50
    np.testing.assert_allclose(loss_of("coral").years(logits).numpy(), [42, 30.75, 100], rtol=1e-5)


# Balanced MSE


def balanced(predicted: list[float], ages: list[float], sigma: float) -> list[float]:
    """The authors' formula: cross-entropy over the batch times 2σ², all in hundreds of years."""
    variance = (sigma / 100) ** 2
    losses = []
    for place, p in enumerate(predicted):
        raised = [math.exp(-((p - age / 100) ** 2) / (2 * variance)) for age in ages]
        losses.append(-math.log(raised[place] / sum(raised)) * 2 * variance)
    return losses


PREDICTED = [0.1, 0.25, 0.3, 0.38, 0.7, 0.9]


def test_balanced_mse_sets_an_image_against_the_ages_of_its_batch() -> None:
    loss = loss_of("balanced-mse", bmc_sigma=8)
    found = loss.per_image(torch.tensor(PREDICTED), targets(loss, AGES))
    np.testing.assert_allclose(found.numpy(), balanced(PREDICTED, AGES, 8), rtol=1e-4)


def test_balanced_mse_is_the_squared_error_less_the_gain_of_frequent_ages() -> None:
    loss = loss_of("balanced-mse")
    output = torch.full((5,), 0.35, requires_grad=True)
    total = loss.per_image(output, targets(loss, [30.0, 30.0, 30.0, 30.0, 40.0])).sum()
    (gradient,) = torch.autograd.grad(total, output)
    # Between the ages, the rare one pulls harder than one of the frequent ones.
    assert -gradient[4] > gradient[0] > 0


def test_balanced_mse_in_validation_has_the_neighbours_of_a_mean_train_batch() -> None:
    sigma, batch = 10.0, 4
    loss = loss_of("balanced-mse", batch=batch)
    expected = []
    for place, p in enumerate(PREDICTED):
        raised = [math.exp(-((p - age / 100) ** 2) / (2 * (sigma / 100) ** 2)) for age in AGES]
        others = [value for other, value in enumerate(raised) if other != place]
        in_batch = raised[place] + (batch - 1) * sum(others) / len(others)
        expected.append(-2 * (sigma / 100) ** 2 * math.log(raised[place] / in_batch))
    found = loss.validation(torch.tensor(PREDICTED), targets(loss, AGES))
    assert found.item() == pytest.approx(np.mean(expected), rel=1e-4)


def test_balanced_mse_in_validation_is_that_of_one_batch_of_all_images(monkeypatch: pytest.MonkeyPatch) -> None:
    loss = loss_of("balanced-mse", batch=6)
    whole = loss.validation(torch.tensor(PREDICTED), targets(loss, AGES))
    assert whole.item() == pytest.approx(np.mean(balanced(PREDICTED, AGES, 10)), rel=1e-4)
    monkeypatch.setattr("engine.losses.balanced_mse._ROWS", 4)
    torch.testing.assert_close(loss.validation(torch.tensor(PREDICTED), targets(loss, AGES)), whole)
    alone = loss.validation(torch.tensor([0.5]), targets(loss, [30.0]))
    assert alone.item() == 0


# Group DRO

GROUPS = [[0, 0, 1, 1, 1, 0], [0, 0, 0, 0, -1, 0], [2, 1, 0, 2, 2, -1]]


def robust(steps: list[tuple[list[float], list[int]]], count: int, eta: float) -> tuple[list[float], list[float]]:
    """The losses of the steps and q after them, by algorithm 1 with the mean of each group of a batch."""
    q = [1 / count] * count
    totals = []
    for losses, groups in steps:
        means = []
        for group in range(count):
            own = [loss for loss, of in zip(losses, groups, strict=True) if of == group]
            means.append(sum(own) / len(own) if own else 0.0)
        q = [weight * math.exp(eta * mean) for weight, mean in zip(q, means, strict=True)]
        q = [weight / sum(q) for weight in q]
        totals.append(sum(weight * mean for weight, mean in zip(q, means, strict=True)))
    return totals, q


def test_group_dro_follows_algorithm_1_over_several_steps() -> None:
    loss = loss_of("group-dro", 3, group_dro_step=2.5)
    assert isinstance(loss, GroupDro)
    errors = [abs(p - age / 100) for p, age in zip(PREDICTED, AGES, strict=True)]
    totals, q = robust([(errors, groups) for groups in GROUPS], 3, 2.5)
    found = [
        reduce(loss.per_image(torch.tensor(PREDICTED), targets(loss, AGES, groups=groups)), None) for groups in GROUPS
    ]
    np.testing.assert_allclose(torch.stack(found).numpy(), totals, rtol=1e-5)
    np.testing.assert_allclose(loss.state()["group_weights"].numpy(), q, rtol=1e-5)
    assert max(q) > 0.36


def test_large_steps_and_losses_of_group_dro_weigh_the_worst_group_alone() -> None:
    loss = loss_of("group-dro", 2, group_dro_step=100)
    assert isinstance(loss, GroupDro)
    for _ in range(3):
        found = loss.per_image(torch.tensor([9.0, 3.0]), targets(loss, [10.0, 10.0], groups=[0, 1]))
        assert torch.isfinite(found).all()
    assert loss.group_weights.tolist() == [1, 0]


def test_group_dros_gradient_is_that_of_the_weighted_sum_and_leaves_groups_out() -> None:
    loss = loss_of("group-dro", 2, group_dro_step=0, group_dro_loss="mse")
    output = torch.tensor(PREDICTED, requires_grad=True)
    value = reduce(loss.per_image(output, targets(loss, AGES, groups=[0, 0, 1, -1, 1, 1])), None)
    (gradient,) = torch.autograd.grad(value, output)
    difference = 2 * (torch.tensor(PREDICTED) - torch.tensor(AGES) / 100)
    expected = difference * torch.tensor([1 / 4, 1 / 4, 1 / 6, 0, 1 / 6, 1 / 6])
    torch.testing.assert_close(gradient, expected)


def test_group_dro_in_validation_is_the_worst_group_and_changes_nothing() -> None:
    loss = loss_of("group-dro", 4, group_dro_loss="mse")
    errors = [(p - age / 100) ** 2 for p, age in zip(PREDICTED, AGES, strict=True)]
    before = loss.state()["group_weights"].clone()
    found = loss.validation(torch.tensor(PREDICTED), targets(loss, AGES, groups=[0, 0, 1, 1, 2, -1]))
    assert found.item() == pytest.approx(max(np.mean(errors[:2]), np.mean(errors[2:4]), errors[4]), rel=1e-5)
    none = loss.validation(torch.tensor(PREDICTED), targets(loss, AGES, groups=[-1] * 6))
    assert none.item() == pytest.approx(np.mean(errors), rel=1e-5)
    torch.testing.assert_close(loss.state()["group_weights"], before)


@pytest.mark.parametrize("name", ["dldl", "mean-variance", "coral", "scce", "huber"])
def test_group_dro_weighs_any_loss_of_single_images(name: str) -> None:
    inner = loss_of(name, dldl_sigma=3)
    loss = loss_of("group-dro", group_dro_loss=name, dldl_sigma=3)
    shape = (6,) if inner.outputs == 1 else (6, inner.outputs)
    output = torch.rand(shape, generator=torch.Generator().manual_seed(0))
    spreads = [2.0, 4.0, NAN, 6.0, 8.0, 10.0]
    torch.testing.assert_close(
        loss.per_image(output, targets(loss, AGES, spreads)), inner.per_image(output, targets(inner, AGES, spreads))
    )
    torch.testing.assert_close(loss.years(output), inner.years(output))
    assert (loss.outputs, loss.shares_weights) == (inner.outputs, inner.shares_weights)


def test_group_dro_is_not_a_number_where_an_output_is_none() -> None:
    loss = loss_of("group-dro", 2)
    wanted = targets(loss, AGES, groups=[0, 0, 0, 1, 1, 1])
    output = torch.tensor([NAN, *PREDICTED[1:]])
    assert loss.validation(output, wanted).isnan()
    assert reduce(loss.per_image(output, wanted), None).isnan()


def test_group_dro_continues_from_its_state() -> None:
    first, second = loss_of("group-dro", 2), loss_of("group-dro", 2)
    wanted = targets(first, AGES, groups=[0, 0, 0, 1, 1, 1])
    first.per_image(torch.tensor(PREDICTED), wanted)
    kept = {name: tensor.clone() for name, tensor in first.state().items()}
    second.begin(torch.device("cpu"), kept)
    again = first.per_image(torch.tensor(PREDICTED), wanted)
    assert torch.equal(second.per_image(torch.tensor(PREDICTED), wanted), again)
    assert torch.equal(first.state()["group_weights"], second.state()["group_weights"])
    assert not torch.equal(kept["group_weights"], second.state()["group_weights"])
