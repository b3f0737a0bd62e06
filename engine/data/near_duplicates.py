"""Finds images of the same picture: copies, mirror images, and photos encoded again or with another brightness."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

THUMBNAIL: Final = 32
# Hashes of different faces rarely differ in as few of the 128 bits; if they do, the thumbnails decide.
LARGEST_DISTANCE: Final = 20
LARGEST_DIFFERENCE: Final = 0.235
# Different drawn faces may differ by as little as 0.1, copies of one by about 0.05.
LARGEST_DIFFERENCE_OF_DRAWN: Final = 0.08
_BLOCK: Final = 512


def near_duplicates(
    thumbnails: NDArray[np.uint8], largest_difference: float = LARGEST_DIFFERENCE
) -> list[tuple[int, int, float]]:
    """Pairs (i, j, difference), i < j, of grey thumbnails (N, 32, 32) that show the same picture or its mirror image.

    Candidates agree in nearly all signs of the differences between neighbouring cells of an 8 × 8 picture (difference
    hash, across and down). In a pair, the mean absolute difference of the thumbnails, each with mean 0 and deviation 1,
    is at most `largest_difference`. Memory is bounded: blocks of 512 images are compared with all.
    """
    if len(thumbnails) < 2:
        return []
    hashes = _hashes(thumbnails)
    mirrored = _hashes(thumbnails[:, :, ::-1])
    plain = _normalised(thumbnails)
    found: dict[tuple[int, int], float] = {}
    for turned in (hashes, mirrored):
        flip = turned is mirrored
        for start in range(0, len(hashes), _BLOCK):
            for first, second in _candidates(turned, hashes, start):
                other = plain[second][:, ::-1] if flip else plain[second]
                difference = float(np.abs(plain[first] - other).mean())
                if difference <= largest_difference:
                    found[first, second] = min(difference, found.get((first, second), np.inf))
    return [(first, second, difference) for (first, second), difference in sorted(found.items())]


def _candidates(turned: NDArray[np.uint64], hashes: NDArray[np.uint64], start: int) -> list[tuple[int, int]]:
    """Pairs of a block's images, possibly mirrored, with later images of a close hash."""
    block = turned[start : start + _BLOCK]
    distance = np.zeros((len(block), len(hashes) - start), dtype=np.uint8)
    for word in range(hashes.shape[1]):
        distance += np.bitwise_count(block[:, None, word] ^ hashes[None, start:, word])
    near = np.argwhere(distance <= LARGEST_DISTANCE) + start
    return [(int(first), int(second)) for first, second in near if first < second]


def _hashes(thumbnails: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """Two words (N, 2) of 64 signs each: across and down."""
    rows = _cells(thumbnails, 8, 9)
    columns = _cells(thumbnails, 9, 8)
    across = (rows[:, :, 1:] > rows[:, :, :-1]).reshape(len(thumbnails), 64)
    down = (columns[:, 1:] > columns[:, :-1]).reshape(len(thumbnails), 64)
    return np.concatenate([np.packbits(across, axis=1), np.packbits(down, axis=1)], axis=1).view(np.uint64)


def _cells(thumbnails: NDArray[np.uint8], height: int, width: int) -> NDArray[np.float32]:
    """Mean brightness of height × width overlapping cells, shape (N, height, width)."""
    sums = np.cumsum(np.cumsum(thumbnails.astype(np.float32), axis=1), axis=2)
    sums = np.pad(sums, ((0, 0), (1, 0), (1, 0)))
    tops, lefts = (np.round(np.arange(n) * (THUMBNAIL - 4) / (n - 1)).astype(int) for n in (height, width))
    bottoms, rights = tops + 4, lefts + 4
    total = sums[:, bottoms][:, :, rights] - sums[:, tops][:, :, rights]
    total -= sums[:, bottoms][:, :, lefts] - sums[:, tops][:, :, lefts]
    return np.asarray(total / 16, dtype=np.float32)


def _normalised(thumbnails: NDArray[np.uint8]) -> NDArray[np.float32]:
    values = thumbnails.astype(np.float32)
    values -= values.mean(axis=(1, 2), keepdims=True)
    return np.asarray(values / np.maximum(values.std(axis=(1, 2), keepdims=True), 1.0), dtype=np.float32)
