"""Losses over an age distribution: label distribution learning, and mean and variance with cross-entropy."""

from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.losses.keras import scce
from engine.losses.loss import ClassLoss, expected_years, whole_years

NARROWEST: Final = 0.5
"""The smallest spread of a target distribution in years: half a class. A narrower distribution is a single class."""


class LabelDistribution(ClassLoss):
    """KL(target ‖ softmax) + λ |m - y|, where the target is a normal distribution around the label y.

    Gao et al. 2017, "Deep Label Distribution Learning with Label Ambiguity", arXiv 1611.01731, section 3: the normal
    density at each whole year, divided by their sum, and the Kullback-Leibler divergence to it. Its standard deviation
    is that of the image's votes, as in the paper for apparent age, or `sigma` years if the votes are unknown or all
    equal. The prediction is the expected value m of the softmax over 0 to 100 years.

    λ is `l1_lambda`, and m and y are in years, as in Gao et al. 2018 ("Age Estimation Using Expectation of Label
    Distribution Learning", IJCAI), which uses λ = 1. With λ = 0, the loss is that of 2017.
    """

    def __init__(self, sigma: float, l1_lambda: float = 0.0) -> None:
        super().__init__("dldl", self._sum if l1_lambda else self._divergence)
        self.sigma = sigma
        self.l1_lambda = l1_lambda

    def targets(self, ages: Tensor, spreads: Tensor, groups: Tensor) -> Tensor:
        """Age / 100 and standard deviation / 100, (N, 2)."""
        sigmas = torch.where(spreads > 0, spreads.clamp(min=NARROWEST), self.sigma)
        return torch.stack([ages / 100, sigmas / 100], dim=1)

    @staticmethod
    def _divergence(output: Tensor, target: Tensor) -> Tensor:
        age, sigma = target[:, :1] * 100, target[:, 1:] * 100
        wanted = (-(whole_years(output) - age).square() / (2 * sigma.square())).log_softmax(dim=1)
        return F.kl_div(output.log_softmax(dim=1), wanted, reduction="none", log_target=True).sum(dim=1)

    def _sum(self, output: Tensor, target: Tensor) -> Tensor:
        distance = (expected_years(output.softmax(dim=1)) - target[:, 0] * 100).abs()
        return self._divergence(output, target) + self.l1_lambda * distance


class MeanVariance(ClassLoss):
    """Cross-entropy + λ₁ (m - y)² / 2 + λ₂ v, with mean m and variance v of the softmax over whole years.

    Pan et al. 2018, "Mean-Variance Loss for Deep Age Estimation from a Face", CVPR, equations 4 to 7, with λ₁ = 0.2
    and λ₂ = 0.05 in the paper. The mean's label y has fractions of years; the cross-entropy's class is a whole year.
    """

    def __init__(self, mean_lambda: float, variance_lambda: float) -> None:
        super().__init__("mean-variance", self._sum)
        self.mean_lambda = mean_lambda
        self.variance_lambda = variance_lambda

    def _sum(self, output: Tensor, target: Tensor) -> Tensor:
        probabilities = output.softmax(dim=1)
        mean = expected_years(probabilities)
        variance = (probabilities * (whole_years(output) - mean[:, None]).square()).sum(dim=1)
        distance = (mean - target * 100).square() / 2
        return scce(output, target) + self.mean_lambda * distance + self.variance_lambda * variance
