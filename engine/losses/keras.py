"""The report's seven losses with Keras' formulas, and MAE.

Outputs and targets are ages divided by 100, shape (B,), and so are the losses. Each formula is that of Keras 3
(`keras/src/losses/losses.py`) with its epsilon of 1e-7, for one output per image, so Keras' mean over the last axis is
the value itself. All arithmetic is fp32; NaN passes through. In the formulas, y is the target and p the output.
"""

import math
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.losses.loss import Formula, age_classes

EPSILON: Final = 1e-7


def mse(output: Tensor, target: Tensor) -> Tensor:
    """(y - p)²."""
    return (output - target).square()


def mae(output: Tensor, target: Tensor) -> Tensor:
    """|y - p|."""
    return (output - target).abs()


def mape(output: Tensor, target: Tensor) -> Tensor:
    """100 |y - p| / max(|y|, ε). A label of 0 years multiplies the error by 1e9.

    Examples
    --------
    An error of 5 years counts 50 at age 10, and 10 at age 50:

    >>> mape(torch.tensor([0.15, 0.55]), torch.tensor([0.10, 0.50])).round().tolist()
    [50.0, 10.0]
    """
    return 100 * (output - target).abs() / target.abs().clamp(min=EPSILON)


def msle(output: Tensor, target: Tensor) -> Tensor:
    """(log(max(p, ε) + 1) - log(max(y, ε) + 1))²."""
    return (torch.log(output.clamp(min=EPSILON) + 1) - torch.log(target.clamp(min=EPSILON) + 1)).square()


def poisson(output: Tensor, target: Tensor) -> Tensor:
    """p - y log(p + ε). NaN for p < -ε, which heads without a sigmoid can predict."""
    return output - target * torch.log(output + EPSILON)


def huber(output: Tensor, target: Tensor) -> Tensor:
    """d²/2 if |d| ≤ 1, else |d| - 1/2, with d = y - p. On ages in [0, 1], this is half the MSE."""
    return F.huber_loss(output, target, reduction="none", delta=1.0)


def logcosh(output: Tensor, target: Tensor) -> Tensor:
    """log(cosh(d)) as d + softplus(-2d) - log 2, with d = p - y."""
    difference = output - target
    return difference + F.softplus(-2 * difference) - math.log(2)


def scce(output: Tensor, target: Tensor) -> Tensor:
    """Sparse categorical cross-entropy of logits (B, 101); the class is the age in whole years, halves rounded up.

    Keras' form takes probabilities and clips them to [ε, 1 - ε]. It differs only below a probability of 1e-7, where
    Keras' gradient is 0, and above 1 - 1e-7.
    """
    return F.cross_entropy(output, age_classes(target), reduction="none")


AGE_FORMULAS: Final[dict[str, Formula]] = {
    "mse": mse,
    "mae": mae,
    "mape": mape,
    "msle": msle,
    "poisson": poisson,
    "huber": huber,
    "logcosh": logcosh,
}
