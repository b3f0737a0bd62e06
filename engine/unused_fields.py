"""Config fields that have no effect because of other fields."""

from collections.abc import Callable, Iterable
from typing import Final

from engine.backbone_names import has_batch_norm
from engine.choices import LDS
from engine.config import HIDDEN_LAYERS, RunConfig

_Rule = tuple[tuple[str, ...], str, Callable[[RunConfig], bool]]


def _image_loss(config: RunConfig) -> str:
    return config.group_dro_loss if config.loss == "group-dro" else config.loss


def _weighs(config: RunConfig) -> bool:
    """Whether images have sample weights; for group-dro, the attributes name groups instead."""
    return bool(config.weights) and config.loss != "group-dro"


def _selects(config: RunConfig) -> bool:
    """Whether the validation loss selects weights or ends a stage."""
    return config.keep == "best" or config.patience is not None


_RULES: Final[tuple[_Rule, ...]] = (
    (("dldl_sigma", "l1_lambda"), "loss dldl", lambda config: _image_loss(config) == "dldl"),
    (("mean_lambda", "variance_lambda"), "loss mean-variance", lambda config: _image_loss(config) == "mean-variance"),
    (("bmc_sigma",), "loss balanced-mse", lambda config: config.loss == "balanced-mse"),
    (("group_dro_loss", "group_dro_step"), "loss group-dro", lambda config: config.loss == "group-dro"),
    (("weighting",), "sample weights", _weighs),
    (("effective_beta",), "weighting effective", lambda config: _weighs(config) and config.weighting == "effective"),
    (("combine",), "several weights", lambda config: _weighs(config) and len(config.weights) > 1),
    (("lds_kernel", "lds_sigma"), "weights lds", lambda config: LDS in config.weights),
    (("widths",), "hidden layers in the head", lambda config: HIDDEN_LAYERS[config.head] > 0),
    (("momentum",), "optimizer sgd", lambda config: config.optimizer == "sgd"),
    (("weight_decay",), "optimizer adamw", lambda config: config.optimizer == "adamw"),
    (("min_delta",), "keep best or patience", _selects),
    (("early_stopping",), "two stages", lambda config: _selects(config) and sum(map(bool, config.epochs)) > 1),
    (("bn",), "a backbone that trains", lambda config: config.trains_backbone and has_batch_norm(config.backbone)),
    (
        ("bn_momentum",), "batch norm that trains",
        lambda config: config.trains_backbone and config.bn == "train" and has_batch_norm(config.backbone),
    ),
    (("bn_epsilon",), "batch norm", lambda config: has_batch_norm(config.backbone)),
)  # fmt: skip
"""Fields, the condition under which they have an effect, and whether a config meets it."""


def unused_fields(configs: Iterable[RunConfig]) -> dict[str, str]:
    """The fields that none of the configs uses, each with its condition.

    Examples
    --------
    >>> from engine.config import build_config
    >>> unused = unused_fields([build_config({"loss": "mse"}), build_config({"loss": "dldl"})])
    >>> unused["bmc_sigma"], "dldl_sigma" in unused
    ('loss balanced-mse', False)
    """
    left: list[_Rule] = list(_RULES)
    for config in configs:
        left = [rule for rule in left if not rule[2](config)]
    return {name: what for names, what, _ in left for name in names}
