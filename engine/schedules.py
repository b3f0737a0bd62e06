"""The learning rate of a step, a function of the config and the step's place in its stage. Needs no torch.

`lr` is the highest rate of every schedule. Each stage has its own schedule over all of its epochs. A stage that stops
early cuts its schedule short, so it never reaches the lowest rates; `patience=none` completes the schedule.
"""

import math
from typing import Final

from engine.config import RunConfig

ONE_CYCLE_WARMUP: Final = 0.3
ONE_CYCLE_START: Final = 1 / 25
ONE_CYCLE_END: Final = ONE_CYCLE_START / 10_000
"""The share of rising steps, and the first and last rate as shares of `lr`: the defaults of PyTorch."""


def learning_rate(config: RunConfig, stage: int, step: int, steps: int) -> float:
    """The learning rate of a step.

    Parameters
    ----------
    config
        `lr` is the highest rate. `constant` stays there. `cosine` falls to 0 along half a cosine (Loshchilov & Hutter
        2017, SGDR, arXiv 1608.03983, without restarts). Both rise linearly to `lr` over `warmup` (Goyal et al. 2017,
        arXiv 1706.02677). `one-cycle` rises from lr / 25 to `lr` along half a cosine, then falls to lr / 250,000
        (Smith & Topin 2018, arXiv 1708.07120, as in PyTorch's `OneCycleLR`, but without its cycle of momentum).
    stage
        The stage, from 1.
    step
        The step in its stage, from 0.
    steps
        The stage's steps in all of its epochs.

    Examples
    --------
    >>> config = RunConfig(schedule="cosine", warmup=0.5, lr=(0.1, 0.01))
    >>> [round(learning_rate(config, 1, step, 4), 6) for step in range(4)]
    [0.05, 0.1, 0.1, 0.05]
    """
    lr, warmup = config.lr[stage - 1], config.warmup
    if config.schedule == "one-cycle":
        rising = (ONE_CYCLE_WARMUP if warmup is None else warmup) * steps - 1
        if rising > 0 and step <= rising:
            return _cosine(lr * ONE_CYCLE_START, lr, step / rising)
        return _cosine(lr, lr * ONE_CYCLE_END, (step - rising) / (steps - 1 - rising))
    rising = round((warmup or 0.0) * steps)
    if step < rising:
        return lr * (step + 1) / rising
    return lr if config.schedule == "constant" else _cosine(lr, 0.0, (step - rising) / (steps - rising))


def _cosine(start: float, end: float, share: float) -> float:
    """From `start` at a share of 0 to `end` at 1."""
    return end + (start - end) / 2 * (1 + math.cos(math.pi * share))
