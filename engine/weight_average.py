"""The exponential moving average of the weights over steps."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class WeightAverage:
    """After each step, average = d · average + (1 - d) · weight, for every weight that trains (Polyak & Juditsky 1992).

    d is `decay`, but at most (1 + t) / (10 + t) after t steps, as in TensorFlow's ExponentialMovingAverage: otherwise
    the first weights would dominate short runs. Each stage starts a new average from its first weights.

    The running statistics of batch norm are not averaged. The model's, which are such averages themselves, are used
    with the averaged weights, as in PyTorch's `AveragedModel`.
    """

    def __init__(self, model: nn.Module, decay: float, values: Mapping[str, Tensor]) -> None:
        """`values` come from a checkpoint; empty at the start of a stage."""
        self._live = {name: weight.detach() for name, weight in model.named_parameters() if weight.requires_grad}
        self._decay = decay
        self.values = {name: values.get(name, weight).to(weight, copy=True) for name, weight in self._live.items()}

    def update(self, step: int) -> None:
        """Adds the weights after a step of the stage, numbered from 1."""
        decay = min(self._decay, (1 + step) / (10 + step))
        torch._foreach_lerp_(list(self.values.values()), list(self._live.values()), 1 - decay)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Gives the model the averaged weights meanwhile, in its own memory."""
        own = [weight.clone() for weight in self._live.values()]
        torch._foreach_copy_(list(self._live.values()), list(self.values.values()))
        try:
            yield
        finally:
            torch._foreach_copy_(list(self._live.values()), own)
