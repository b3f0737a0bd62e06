"""The learning rate of a step: a function of the config and the step's place in its stage. Needs no torch.

`lr` is the highest rate of every schedule. Each stage has a schedule of its own, over all of its epochs. A stage that
stops early cuts its schedule off, so it never trains at the lowest rates; `patience=none` trains all of it.
"""

import math
from typing import Final

from engine.config import RunConfig

ONE_CYCLE_WARMUP: Final = 0.3
ONE_CYCLE_START: Final = 1 / 25
ONE_CYCLE_END: Final = ONE_CYCLE_START / 10_000
"""Share of steps that rise, and the first and the last rate as shares of `lr`: the defaults of PyTorch."""


def learning_rate(config: RunConfig, stage: int, step: int, steps: int) -> float:
    """The learning rate of a step.

    Parameters
    ----------
    config
        Its `lr` is the highest rate. `constant` stays there. `cosine` falls to 0 along half a cosine (Loshchilov &
        Hutter 2017, SGDR, arXiv 1608.03983, without restarts). Both rise linearly to it over `warmup` (Goyal et al.
        2017, arXiv 1706.02677). `one-cycle` rises from lr / 25 to `lr` along half a cosine, then falls to lr / 250,000
        (Smith & Topin 2018, arXiv 1708.07120, in the form of PyTorch's `OneCycleLR`, without its cycle of momentum).
    stage
        The stage, from 1.
    step
        The step in its stage, from 0.
    steps
        Steps of the stage if all its epochs are trained.

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
