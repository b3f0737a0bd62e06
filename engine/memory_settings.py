"""The config settings that decide a run's memory. Needs no torch."""

from collections.abc import Mapping
from typing import Any, Final

from engine.config import completed

MEMORY_FIELDS: Final = (
    "size", "batch", "backbone", "init", "widths", "strategy", "epochs", "bn", "augment", "optimizer", "momentum",
    "deterministic", "compile", "ema", "mirror",
)  # fmt: skip
"""The fields that `memory_settings` reads, and the size and the batch."""


def memory_settings(config: Mapping[str, Any]) -> tuple[object, ...]:
    """The settings that decide memory besides image size and batch: network, stages, optimizer, augmentation.

    Parameters
    ----------
    config
        The fields of a config, as stored or dumped.

    Examples
    --------
    The number of stages matters, the learning rate does not:

    >>> from engine.config import build_config
    >>> def settings(**changes): return memory_settings(build_config(changes).model_dump())
    >>> settings(epochs="25,0") == settings(epochs="25,25"), settings(lr=1e-3) == settings(lr=1e-5)
    (False, True)
    """
    fields = completed(config)
    epochs = fields["epochs"]
    has_frozen_stage = fields["strategy"] == "freeze" and epochs[0] > 0
    trains_backbone = fields["strategy"] != "freeze" or epochs[-1] > 0
    return (
        fields["backbone"],
        fields["init"] != "random",  # loaded weights take memory, too
        tuple(fields.get("widths") or ()),
        has_frozen_stage,
        trains_backbone,
        fields["bn"] if trains_backbone else None,
        fields["augment"],
        fields["optimizer"],
        fields["optimizer"] == "sgd" and fields["momentum"] > 0,
        bool(fields["deterministic"]),
        bool(fields["compile"]),
        bool(fields["ema"]),
        has_frozen_stage and bool(fields["mirror"]),  # features of mirror images
    )
