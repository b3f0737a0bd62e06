"""The report's seven losses with Keras' formulas, and MAE.

Targets are ages divided by 100. Each formula is that of Keras 3 (`keras/src/losses/losses.py`) with its epsilon of
1e-7, for one output per image, so that Keras' mean over the last axis is the value itself. All is computed in fp32;
NaN passes through.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.errors import ConfigError

EPSILON: Final = 1e-7
AGE_CLASSES: Final = 101


@dataclass(frozen=True)
class Loss:
    """A loss by the name of its flag.

    `outputs` is 1 (the head gives age / 100) or 101 (it gives logits over the whole years 0 to 100). `formula` maps an
    fp32 output, (B,) or (B, 101), and fp32 targets (B,) to losses (B,).
    """

    name: str
    outputs: int
    formula: Callable[[Tensor, Tensor], Tensor]

    def per_image(self, output: Tensor, target: Tensor) -> Tensor:
        """The loss of each image, (B,) fp32."""
        return self.formula(output.float(), target.float())

    def years(self, output: Tensor) -> Tensor:
        """Predicted ages (B,) in years; over classes, the expected value of the softmax (Rothe et al. 2015, DEX)."""
        if self.outputs == 1:
            return output.float() * 100
        classes = torch.arange(AGE_CLASSES, device=output.device, dtype=torch.float32)
        return output.float().softmax(dim=1) @ classes


def reduce(per_image: Tensor, weights: Tensor | None) -> Tensor:
    """Keras' `sum_over_batch_size`: the sum of weight times loss over the batch size, not over the sum of weights."""
    return (per_image if weights is None else per_image * weights).mean()


def build_loss(name: str) -> Loss:
    """The loss of that name; `ConfigError` lists the names there are."""
    try:
        return LOSSES[name]
    except KeyError:
        raise ConfigError(f"there is no loss {name!r}; choose one of {', '.join(LOSSES)}") from None


def mse(output: Tensor, target: Tensor) -> Tensor:
    """(y - p)²."""
    return (output - target).square()


def mae(output: Tensor, target: Tensor) -> Tensor:
    """|y - p|."""
    return (output - target).abs()


def mape(output: Tensor, target: Tensor) -> Tensor:
    """100 |y - p| / max(|y|, ε). A label of 0 years multiplies its error by 1e9."""
    return 100 * (output - target).abs() / target.abs().clamp(min=EPSILON)


def msle(output: Tensor, target: Tensor) -> Tensor:
    """(log(max(p, ε) + 1) - log(max(y, ε) + 1))²."""
    return (torch.log(output.clamp(min=EPSILON) + 1) - torch.log(target.clamp(min=EPSILON) + 1)).square()


def poisson(output: Tensor, target: Tensor) -> Tensor:
    """p - y log(p + ε). NaN where p < -ε, which heads without a sigmoid can give."""
    return output - target * torch.log(output + EPSILON)


def huber(output: Tensor, target: Tensor) -> Tensor:
    """d²/2 where |d| ≤ 1, else |d| - 1/2, with d = y - p. On ages in [0, 1] this is half the MSE."""
    return F.huber_loss(output, target, reduction="none", delta=1.0)


def logcosh(output: Tensor, target: Tensor) -> Tensor:
    """log(cosh(d)) as d + softplus(-2d) - log 2, with d = p - y."""
    difference = output - target
    return difference + F.softplus(-2 * difference) - math.log(2)


def scce(output: Tensor, target: Tensor) -> Tensor:
    """Sparse categorical cross-entropy of 101 classes; the class is the age in whole years, halves rounded up.

    From logits: Keras' form on probabilities clips them to [ε, 1 - ε], which differs only below a probability of 1e-7
    (where Keras' gradient is 0) and above 1 - 1e-7.
    """
    # In fp32 an age of 29.5 comes back from its hundredth as 29.499998.
    ages = torch.round(target * 100, decimals=3)
    classes = torch.floor(ages + 0.5).clamp(0, AGE_CLASSES - 1).long()
    return F.cross_entropy(output, classes, reduction="none")


LOSSES: Final = {
    loss.name: loss
    for loss in (
        Loss("mse", 1, mse),
        Loss("mae", 1, mae),
        Loss("mape", 1, mape),
        Loss("msle", 1, msle),
        Loss("poisson", 1, poisson),
        Loss("huber", 1, huber),
        Loss("logcosh", 1, logcosh),
        Loss("scce", AGE_CLASSES, scce),
    )
}
