"""Limits of disk and GPU memory for things that can be rebuilt: caches and pixels on a GPU. Needs no torch."""

import os
from typing import Final

from engine.errors import ConfigError

GPU_PIXELS_VARIABLE: Final = "AGEUI_GPU_PIXELS_GB"
PIXELS_SHARE_OF_GPU: Final = 0.25


def limit_in_bytes(variable: str) -> int | None:
    """The limit in bytes that an environment variable sets in gigabytes; None if it is not set.

    Raises `ConfigError` if the value is not such a number.
    """
    text = os.environ.get(variable, "")
    if not text:
        return None
    if (problem := amount_problem(text, "gigabytes")) is not None:
        raise ConfigError(f"{variable}={text}: {problem}")
    return int(float(text) * 1e9)


def amount_problem(text: str, unit: str) -> str | None:
    """The reason why a text is not an amount; None if it is one."""
    try:
        is_amount = 0 <= float(text) < float("inf")
    except ValueError:
        is_amount = False
    return None if is_amount else f"give a number of {unit}, 0 or more"


def gpu_pixels_limit(free_bytes: int) -> tuple[int, str]:
    """The limit in bytes of the pixels that a run holds on a GPU with `free_bytes`, and the reason for it.

    Raises like `limit_in_bytes`.
    """
    named = limit_in_bytes(GPU_PIXELS_VARIABLE)
    if named is not None:
        return named, GPU_PIXELS_VARIABLE
    return int(PIXELS_SHARE_OF_GPU * free_bytes), "a quarter of its free memory"
