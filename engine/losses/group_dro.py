"""Group DRO: training for the group with the highest loss."""

from collections.abc import Mapping

import torch
from torch import Tensor

from engine.losses.loss import Loss


class GroupDro(Loss):
    """The sum over groups of q_g times the group's mean loss in the batch, with q moving towards high losses.

    Sagawa et al. 2020, "Distributionally Robust Neural Networks for Group Shifts", ICLR (arXiv 1911.08731), algorithm 1
    in its form for mixed batches, as in the authors' code but without their adjustment for group sizes. Before each
    step, q_g is multiplied by exp(`step` · mean loss of g in the batch), which is 1 for a group without images in the
    batch, and divided by the sum. q starts uniform. `inner` is the loss of an image.

    An image's loss is its part of that sum times the batch size, so that the mean over the batch is the sum. It depends
    on the batch and on earlier steps: `state` holds q. Images in no group have loss 0. The validation loss is the mean
    of the worst group, by which the authors also select weights. It leaves q unchanged.
    """

    def __init__(self, inner: Loss, groups: int, step: float) -> None:
        super().__init__("group-dro", inner.formula)
        self.outputs, self.shares_weights = inner.outputs, inner.shares_weights
        self.inner = inner
        self.step = step
        self.group_weights = torch.full((groups,), 1 / groups)

    def targets(self, ages: Tensor, spreads: Tensor, groups: Tensor) -> Tensor:
        """The columns of `inner`, then the index of the group, (N, columns)."""
        return torch.column_stack([self.inner.targets(ages, spreads, groups), groups.float()])

    def per_image(self, output: Tensor, target: Tensor) -> Tensor:
        losses, shares = self._losses_and_shares(output, target)
        with torch.no_grad():
            means = (losses[:, None] * shares).sum(dim=0)
            weights = torch.softmax(self.group_weights.log() + self.step * means, dim=0)  # exp alone may overflow
            self.group_weights.copy_(weights)
        return losses * (shares * weights).sum(dim=1) * len(losses)

    def validation(self, output: Tensor, target: Tensor) -> Tensor:
        losses, shares = self._losses_and_shares(output, target)
        means = (losses[:, None] * shares).sum(dim=0)
        worst = torch.where(shares.sum(dim=0) > 0, means, -torch.inf).max()
        return torch.where(shares.sum() > 0, worst, losses.mean())

    def years(self, output: Tensor) -> Tensor:
        return self.inner.years(output)

    def state(self) -> dict[str, Tensor]:
        return {"group_weights": self.group_weights}

    def begin(self, device: torch.device, state: Mapping[str, Tensor]) -> None:
        self.group_weights = state.get("group_weights", self.group_weights).to(device, copy=True)

    def _losses_and_shares(self, output: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Losses (B,), and each image's share (B, groups) in the mean of a group: 1 / images, or 0."""
        own = target[:, 0] if target.shape[1] == 2 else target[:, :-1]
        groups = torch.arange(len(self.group_weights), device=target.device)
        members = (target[:, -1:] == groups).float()
        return self.inner.per_image(output, own), members / members.sum(dim=0).clamp(min=1)
