"""CORAL: age as a sequence of thresholds that cannot contradict each other."""

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.losses.loss import AGE_CLASSES, Loss, age_classes


class Coral(Loss):
    """Binary cross-entropy of "older than k years" for k from 0 to 99, summed over k.

    Cao, Mirjalili and Raschka 2020, "Rank consistent ordinal regression for neural networks with application to age
    estimation", Pattern Recognition Letters 140 (arXiv 1901.07884), equation 4 with all importance weights 1. The
    logits share their weights and differ in their bias, so probabilities fall with k once the biases do (Theorem 1).
    The prediction is the sum of the probabilities instead of the count of those above a half: the expected number of
    thresholds passed, without jumps of a year.
    """

    outputs = AGE_CLASSES - 1
    shares_weights = True

    def __init__(self) -> None:
        super().__init__("coral", _thresholds)

    def years(self, output: Tensor) -> Tensor:
        return output.float().sigmoid().sum(dim=1)


def _thresholds(output: Tensor, target: Tensor) -> Tensor:
    is_older = age_classes(target)[:, None] > torch.arange(output.shape[1], device=output.device)
    return F.binary_cross_entropy_with_logits(output, is_older.float(), reduction="none").sum(dim=1)
