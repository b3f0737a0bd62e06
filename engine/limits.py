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
    if (problem := amount_problem(text, "gigabytes")) is not None:
        raise ConfigError(f"{variable}={text}: {problem}")
    return int(float(text) * 1e9)


def amount_problem(text: str, unit: str) -> str | None:
    """Why a text is no amount, None if it is one."""
    try:
        is_amount = 0 <= float(text) < float("inf")
    except ValueError:
        is_amount = False
    return None if is_amount else f"give a number of {unit}, 0 or more"


def gpu_pixels_limit(free_bytes: int) -> tuple[int, str]:
    """The most bytes of pixels that a run holds on a GPU with `free_bytes`, and what sets this limit.

    Raises as `limit_in_bytes`.
    """
    named = limit_in_bytes(GPU_PIXELS_VARIABLE)
    if named is not None:
        return named, GPU_PIXELS_VARIABLE
    return int(PIXELS_SHARE_OF_GPU * free_bytes), "a quarter of its free memory"
