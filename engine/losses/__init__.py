"""Losses by the name of their flag: the report's seven, and losses of later papers on age and fairness."""

from engine.config import RunConfig
from engine.losses.balanced_mse import BalancedMse
from engine.losses.coral import Coral
from engine.losses.distributions import LabelDistribution, MeanVariance
from engine.losses.group_dro import GroupDro
from engine.losses.keras import AGE_FORMULAS, scce
from engine.losses.loss import ClassLoss, Loss, reduce

__all__ = ["Loss", "build_loss", "reduce"]


def build_loss(config: RunConfig, groups: int = 1) -> Loss:
    """The loss of a config, on the CPU.

    Parameters
    ----------
    config
        `loss` names the loss; fields such as `dldl_sigma` are its parameters.
    groups
        Number of groups that `group-dro` weights.

    Examples
    --------
    >>> from engine.config import build_config
    >>> loss = build_loss(build_config({"loss": "coral"}))
    >>> loss.outputs, loss.shares_weights
    (100, True)
    """
    if config.loss == "group-dro":
        return GroupDro(_image_loss(config.group_dro_loss, config), groups, config.group_dro_step)
    if config.loss == "balanced-mse":
        return BalancedMse(config.bmc_sigma, config.batch)
    return _image_loss(config.loss, config)


def _image_loss(name: str, config: RunConfig) -> Loss:
    """A loss computed for each image separately."""
    if name == "scce":
        return ClassLoss(name, scce)
    if name == "dldl":
        return LabelDistribution(config.dldl_sigma, config.l1_lambda)
    if name == "mean-variance":
        return MeanVariance(config.mean_lambda, config.variance_lambda)
    if name == "coral":
        return Coral()
    return Loss(name, AGE_FORMULAS[name])
