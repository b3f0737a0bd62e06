"""Pretrained weights: the images behind them, and the runs that start with their output layer. Needs no torch."""

from collections.abc import Mapping
from typing import Any, Final

from engine.backbone_names import DLIB_AGE, BackboneName
from engine.choices import PRETRAINED
from engine.config import RunConfig
from engine.label_limits import CLASS_LOSSES, image_loss

_DLIB_AGE: Final = (
    "dlib-age was pretrained on a private set of about 110,000 faces; that images it is scored on were among them "
    "cannot be excluded"
)


def pretraining_note(backbone: object, init: object) -> str | None:
    """A sentence about first weights whose images cannot be compared with the scored images; None for others.

    Examples
    --------
    >>> pretraining_note("resnet50", "imagenet") is pretraining_note("dlib-age", "random") is None
    True
    """
    return _DLIB_AGE if init == PRETRAINED and str(backbone).partition("@")[0] == DLIB_AGE else None


def pretraining_of(config: Mapping[str, Any], manifest: Mapping[str, Any] | None) -> str | None:
    """The same sentence for a run, whose first weights may come from another run's file according to its manifest."""
    stored: str | None = ((manifest or {}).get("weights") or {}).get("pretraining")
    return stored or pretraining_note(config.get("backbone"), config.get("init"))


def untrained_problem(config: RunConfig) -> str | None:
    """The reason why a run of 0 epochs would score a random output layer; None for other runs."""
    if sum(config.epochs) > 0 or begins_with_output_layer(config):
        return None
    return (
        "0 epochs score the first weights untrained, but this run's output layer would be random; choose --epochs "
        "1 or more, or --backbone dlib-age --init pretrained --head none --loss dldl"
    )


def begins_with_output_layer(config: RunConfig) -> bool:
    """Whether a run's output layer starts as that of the pretrained weights.

    Both must map the same features, unscaled, to logits over whole years; `coral` has logits between years.
    """
    name, loss = BackboneName.parse(config.backbone), image_loss(config)
    is_whole = config.init == PRETRAINED and name.library == "dlib" and name.layer in (None, "layer3")
    return is_whole and not config.widths and not config.standardize and loss in CLASS_LOSSES and loss != "coral"
