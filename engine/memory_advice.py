"""Advice for a run that needs too much memory. Needs no torch."""

from engine.choices import FRESH_AUGMENTS, SMALLEST_SIZE
from engine.config import RunConfig


def smaller(config: RunConfig) -> str:
    """`choose a smaller --batch, --size or --backbone`, without settings at their minimum or without effect."""
    takes_batches = config.trains_backbone or config.augment in FRESH_AUGMENTS
    least = 2 if config.loss == "balanced-mse" else 1
    batch = ["--batch"] if takes_batches and config.batch > least else []
    size = ["--size"] if config.size > SMALLEST_SIZE else []
    *others, last = [*batch, *size, "--backbone"]
    return f"choose a smaller {', '.join(others)}{' or ' if others else ''}{last}"
