"""Labels that a config's head or loss cannot handle. Needs neither torch nor pandas."""

from collections.abc import Iterator
from typing import Final

from engine.choices import HEADS, ImageLossName
from engine.config import RunConfig

OLDEST_OF_BOUNDED_HEADS: Final = 100.0
"""The highest age in years that a head with an activation, or a loss over age classes, can predict."""
YOUNGEST_FOR_MAPE: Final = 0.5
"""Labels below this age in years outweigh all others under `mape`, which divides by them."""
CLASS_LOSSES: Final[tuple[ImageLossName, ...]] = ("scce", "dldl", "mean-variance", "coral")
"""The losses over the whole years 0 to 100, for which any head predicts at most 100 years."""


def image_loss(config: RunConfig) -> str:
    """The loss of an image: the config's loss, or the loss whose group means `group-dro` weights."""
    return config.group_dro_loss if config.loss == "group-dro" else config.loss


def bounded_heads() -> str:
    """The heads and losses that cannot predict ages above 100 years: `heads 1-sigmoid, … and losses scce, …`."""
    return f"heads {', '.join(head for head in HEADS if head != 'none')} and losses {', '.join(CLASS_LOSSES)}"


def age_warnings(config: RunConfig, *, youngest: float | None, oldest: float | None) -> Iterator[str]:
    """Sentences about labels that this config cannot handle.

    Parameters
    ----------
    config
        The run.
    youngest
        The lowest train label in years; None if unknown.
    oldest
        The highest label of any split in years; None if unknown.
    """
    loss = image_loss(config)
    if oldest is not None and oldest > OLDEST_OF_BOUNDED_HEADS:
        if loss in CLASS_LOSSES:
            yield (
                f"labels reach {oldest:g} years, but loss {loss} predicts at most 100; to predict more, choose --head "
                "none and a loss without classes, such as mae"
            )
        elif config.head != "none":
            yield f"labels reach {oldest:g} years, but head {config.head} predicts at most 100; choose --head none"
    if loss == "mape" and youngest is not None and youngest < YOUNGEST_FOR_MAPE:
        yield (
            f"loss mape divides by the age: the lowest train label is {youngest:g} years and outweighs all others; "
            "choose another loss, or leave such images out"
        )
