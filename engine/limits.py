"""How much disk and GPU memory may be used for things that can be made again: caches, pixels on a GPU. No torch."""

import os
from typing import Final

from engine.errors import ConfigError

GPU_PIXELS_VARIABLE: Final = "AGEUI_GPU_PIXELS_GB"
PIXELS_SHARE_OF_GPU: Final = 0.25


def limit_in_bytes(variable: str) -> int | None:
    """The value of an environment variable in gigabytes, in bytes; None if it is not set.

    Raises `ConfigError` if the value is no such number.
    """
    text = os.environ.get(variable, "")
    if not text:
        return None
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number < float("inf"):
        raise ConfigError(f"{variable}={text}: give a number of gigabytes, 0 or more")
    return int(number * 1e9)


def gpu_pixels_limit(free_bytes: int) -> tuple[int, str]:
    """The most bytes of pixels that a run holds on a GPU with `free_bytes`, and what sets this limit.

    Raises as `limit_in_bytes`.
    """
    named = limit_in_bytes(GPU_PIXELS_VARIABLE)
    if named is not None:
        return named, GPU_PIXELS_VARIABLE
    return int(PIXELS_SHARE_OF_GPU * free_bytes), "a quarter of its free memory"
