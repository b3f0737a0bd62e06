"""Predictions whose errors differ between groups."""

import numpy as np


def drawn_errors(seed: int, spread: float = 3.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Ages, predictions and three groups of unlike size and error, with some images in none."""
    random = np.random.default_rng(seed)
    codes = np.repeat([0, 1, 2, -1], [60, 25, 15, 10])
    ages = random.uniform(1, 80, len(codes))
    return ages, ages + random.exponential(np.array([5.0, 5 + spread, 5 + 3 * spread, 5.0])[codes]), codes
