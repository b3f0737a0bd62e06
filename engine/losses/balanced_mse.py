"""Balanced MSE: the squared error, corrected for the frequency of each age in the train data."""

import math
from typing import Final

import torch
from torch import Tensor

from engine.losses.loss import Loss

_ROWS: Final = 1024


class BalancedMse(Loss):
    """2σ² times the cross-entropy of identifying an image's own age among the ages of its batch.

    Ren et al. 2022, "Balanced MSE for Imbalanced Visual Regression", CVPR (arXiv 2203.16427), the batch-based Monte
    Carlo form (BMC), with the authors' factor 2σ² that brings it to the scale of the MSE: with predictions p, ages y,

        loss of i = -2σ² log(exp(-(p_i - y_i)² / 2σ²) / Σ_j exp(-(p_i - y_j)² / 2σ²)),    j over the batch.

    `sigma` is the noise in years, constant here. An image's loss depends on the ages of its batch; in a batch of one,
    it is 0. In validation, each image is compared with all images of the split, and the sum is scaled to a batch of
    `batch` images: the average over train batches, whatever the order of the images.
    """

    def __init__(self, sigma: float, batch: int) -> None:
        super().__init__("balanced-mse", self._in_batch)
        self.doubled_variance = 2 * (sigma / 100) ** 2
        self.batch = batch

    def validation(self, output: Tensor, target: Tensor) -> Tensor:
        output, target = output.float(), target.float()
        count = len(target)
        scale = math.log((self.batch - 1) / (count - 1)) if count > 1 else 0.0
        parts = []
        for start in range(0, count, _ROWS):  # all pairs at once would take too much memory
            logits = self._logits(output[start : start + _ROWS], target)
            own = logits.diagonal(offset=start)
            scaled = logits + scale
            scaled.diagonal(offset=start).copy_(own)
            parts.append(torch.logsumexp(scaled, dim=1) - own)
        return self.doubled_variance * torch.cat(parts).mean()

    def _in_batch(self, output: Tensor, target: Tensor) -> Tensor:
        logits = self._logits(output, target)
        return self.doubled_variance * (torch.logsumexp(logits, dim=1) - logits.diagonal())

    def _logits(self, output: Tensor, target: Tensor) -> Tensor:
        return -(output[:, None] - target[None, :]).square() / self.doubled_variance
