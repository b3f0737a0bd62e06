"""Loss: the interface of all losses."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import torch
from torch import Tensor

AGE_CLASSES: Final = 101
Formula = Callable[[Tensor, Tensor], Tensor]
"""fp32 outputs, (B,) or (B, outputs), and fp32 targets to losses (B,)."""


class Loss:
    """A loss, selected by the value of its flag and computed image by image with `formula`.

    `outputs` is 1 (the head gives age / 100), 101 (logits over the whole years 0 to 100) or, with `shares_weights`, 100
    (logits that differ only in their bias). The operations of a train step depend only on shapes, never on values, so
    that they can be recorded once and replayed.
    """

    outputs = 1
    shares_weights = False

    def __init__(self, name: str, formula: Formula) -> None:
        self.name = name
        self.formula = formula

    def targets(self, ages: Tensor, spreads: Tensor, groups: Tensor) -> Tensor:
        """Builds the targets of images from their labels.

        Parameters
        ----------
        ages
            Years, shape (N,).
        spreads
            Standard deviation of the votes on each age in years, shape (N,); NaN if unknown.
        groups
            Group of each image, shape (N,); -1 for an image in no group.

        Returns
        -------
        Tensor
            Shape (N,) or (N, columns), fp32.
        """
        return ages / 100

    def per_image(self, output: Tensor, target: Tensor) -> Tensor:
        """The loss of each image of a train batch, (B,) fp32."""
        return self.formula(output.float(), target.float())

    def validation(self, output: Tensor, target: Tensor) -> Tensor:
        """The loss of all validation images, a scalar without sample weights."""
        return self.per_image(output, target).mean()

    def years(self, output: Tensor) -> Tensor:
        """Predicted ages (B,) in years, fp32."""
        return output.float() * 100

    def mean_years(self, outputs: Sequence[Tensor]) -> Tensor:
        """The mean (B,) in years of the ages predicted from several views of the same images."""
        return torch.stack([self.years(output) for output in outputs]).mean(dim=0)

    def state(self) -> dict[str, Tensor]:
        """Tensors changed by train steps, by name, for the run's checkpoint. Most losses have none."""
        return {}

    def begin(self, device: torch.device, state: Mapping[str, Tensor]) -> None:
        """Prepares for train steps on a device, from the `state` of a checkpoint; empty for a new run."""


class ClassLoss(Loss):
    """A loss over the whole years 0 to 100."""

    outputs = AGE_CLASSES

    def years(self, output: Tensor) -> Tensor:
        """The expected value of the softmax (Rothe et al. 2015, DEX)."""
        return expected_years(output.float().softmax(dim=1))


def reduce(per_image: Tensor, weights: Tensor | None) -> Tensor:
    """The mean of weight times loss over the batch, like Keras' `sum_over_batch_size`; not divided by the weights' sum.

    Parameters
    ----------
    per_image
        Losses, shape (B,).
    weights
        Sample weights, shape (B,); None for equal weights.

    Returns
    -------
    Tensor
        Scalar.

    Examples
    --------
    >>> reduce(torch.tensor([1.0, 3.0]), torch.tensor([2.0, 0.0])).item()
    1.0
    """
    return (per_image if weights is None else per_image * weights).mean()


def whole_years(like: Tensor) -> Tensor:
    """0 to 100, (101,) fp32, on the device of `like`."""
    return torch.arange(AGE_CLASSES, device=like.device, dtype=torch.float32)


def expected_years(probabilities: Tensor) -> Tensor:
    """The mean (B,) in years of distributions (B, 101)."""
    return probabilities @ whole_years(probabilities)


def age_classes(target: Tensor) -> Tensor:
    """Ages / 100 (B,) as whole years from 0 to 100, int64; halves are rounded up.

    Examples
    --------
    >>> age_classes(torch.tensor([0.0, 0.295, 0.2949, 1.2])).tolist()
    [0, 30, 29, 100]
    """
    # In fp32, 29.5 / 100 * 100 is 29.499998.
    ages = torch.round(target * 100, decimals=3)
    return torch.floor(ages + 0.5).clamp(0, AGE_CLASSES - 1).long()
