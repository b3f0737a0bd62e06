"""Randomness as a function of (seed, epoch, step), so that runs resume anywhere without a generator's state."""

import numpy as np
import torch
from numpy.typing import NDArray


def epoch_order(seed: int, epoch: int, count: int) -> NDArray[np.int64]:
    """The order in which an epoch visits `count` train images, shape (count,)."""
    return np.random.default_rng((seed, epoch)).permutation(count)


def split_batches(order: NDArray[np.int64], batch: int, last_batch: str) -> list[NDArray[np.int64]]:
    """The batches of an epoch.

    A smaller last batch is always used. A last batch of one image is treated specially, because it would get a whole
    optimizer step and cannot feed batch norm.

    Parameters
    ----------
    order
        Images of the epoch, shape (N,).
    batch
        Images per batch.
    last_batch
        Policy for a last batch of one image: `keep` trains on it as Keras does, `merge` adds it to the previous batch
        (which then has `batch` + 1 images), `drop` leaves it out of this epoch. An epoch's only batch is never dropped.

    Examples
    --------
    >>> [batch.tolist() for batch in split_batches(np.arange(5), 2, "merge")]
    [[0, 1], [2, 3, 4]]
    """
    batches = [order[start : start + batch] for start in range(0, len(order), batch)]
    if len(batches) > 1 and batch > 1 and len(batches[-1]) == 1 and last_batch != "keep":
        lone = batches.pop()
        if last_batch == "merge":
            batches[-1] = np.concatenate([batches[-1], lone])
    return batches


def seed_layers(seed: int, step: int, device: torch.device) -> None:
    """Seeds the random layers (dropout, stochastic depth) of a train step on a device.

    Sets only that device's generator, because `torch.manual_seed` formats a stack trace on each call, for CUDA devices
    not in use yet.
    """
    generator = torch.cuda.default_generators[device.index or 0] if device.type == "cuda" else torch.default_generator
    generator.manual_seed(int(np.random.SeedSequence((seed, step)).generate_state(1, np.uint64)[0]))
