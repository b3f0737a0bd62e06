"""Refuses batch norm over a single value per channel, which cannot be averaged. Needs no torch."""

from collections.abc import Iterator

from engine.choices import LARGEST_SIZE
from engine.config import RunConfig


def lone_values_problem(config: RunConfig, images: int, *, needs_pairs: bool) -> str | None:
    """The reason why a run cannot train on this many images; None if it can.

    `needs_pairs` means that the backbone's batch norm gets one value per channel and image.
    """
    has_lone_image = config.batch == 1 or (config.last_batch == "keep" and images % config.batch == 1)
    if not (needs_pairs and has_lone_image and config.trains_backbone and config.bn == "train"):
        return None
    return (
        f"backbone {config.backbone} at {config.size} px leaves one value per channel, so batch norm cannot average "
        f"over a batch of one image; choose {' or '.join(_cures(config))}"
    )


def _cures(config: RunConfig) -> Iterator[str]:
    if config.size < LARGEST_SIZE:
        yield "a larger --size"
    if config.batch > 1:
        yield "--set last_batch=merge"
    else:
        yield "--batch 2 or more" + (" with --set last_batch=merge" if config.last_batch == "keep" else "")
    if config.strategy != "scratch":
        yield "--set bn=frozen"
