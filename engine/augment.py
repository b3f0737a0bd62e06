"""Augmentation: the report's fixed copies of the oldest faces, or a new random change of every image in every step.

Images are RGB, (B, 3, S, S) float in [0, 1], on any device. All randomness is a function of its arguments.

`report` (Table 11): each train image of age 60 or above gets four copies, one of each kind:

1. its mirror image;
2. another brightness: times a factor, uniform in 0.7 to 1.3 (the report gives no strength), cut off at 1;
3. Gaussian blur, 5×5 pixels, σ 1;
4. shifted by whole pixels along both axes, uniform in ±25 at 224 px and in proportion at other sizes; the gap is black.

`standard`: in this order, mirrored in half of the cases; shifted by up to 1/16 of the side along both axes, the gap
filled with the edge; brightness and contrast times a factor uniform in 0.8 to 1.2, saturation in 0.9 to 1.1.

`face`: the first three of these: mirrored, shifted by up to 1/16 of the side (4 pixels at 64 px), another brightness.
"""

from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.choices import FRESH_AUGMENTS
from engine.device import upload

COPIED_FROM_YEARS: Final = 60.0
FLIP, BRIGHTNESS, BLUR, TRANSLATION = COPY_KINDS = (1, 2, 3, 4)

COPY_BRIGHTNESS: Final = 0.3
COPY_BLUR: Final = (5, 1.0)
COPY_SHIFT: Final = 25 / 224

STANDARD_SHIFT: Final = 1 / 16
STANDARD_BRIGHTNESS: Final = 0.2
STANDARD_CONTRAST: Final = 0.2
STANDARD_SATURATION: Final = 0.1

LUMA: Final = (0.299, 0.587, 0.114)
"""Share of red, green and blue in a grey level (ITU-R BT.601)."""


def expand_rows(
    rows: NDArray[np.int64], ages: NDArray[np.floating], augment: str
) -> tuple[NDArray[np.int64], NDArray[np.int8]]:
    """Adds the copies of the `report` augmentation to the train rows.

    Parameters
    ----------
    rows
        Train rows, shape (R,).
    ages
        Their ages in years, shape (R,).
    augment
        Name of the augmentation; only `report` adds copies.

    Returns
    -------
    rows, kinds
        Rows to train on and the kind of each (0: the image itself), both (R',). Copies follow all images, kind by kind.

    Examples
    --------
    >>> rows, kinds = expand_rows(np.array([7, 8]), np.array([30.0, 60.0]), "report")
    >>> rows.tolist(), kinds.tolist()
    ([7, 8, 8, 8, 8, 8], [0, 0, 1, 2, 3, 4])
    """
    copied = rows[ages >= COPIED_FROM_YEARS] if augment == "report" else rows[:0]
    kinds = np.repeat(np.array((0, *COPY_KINDS), dtype=np.int8), [len(rows), *[len(copied)] * len(COPY_KINDS)])
    return np.concatenate([rows, np.tile(copied, len(COPY_KINDS))]), kinds


def augment_images(
    images: Tensor, kinds: Tensor, rows: Tensor, augment: str, seed: int, epoch: int, step: int
) -> Tensor:
    """Returns augmented images; the given ones stay unchanged.

    Parameters
    ----------
    images
        RGB, shape (B, 3, S, S), in [0, 1].
    kinds, rows
        Kinds and rows of the images, shape (B,), as from `expand_rows`.
    augment
        `report` changes copies by (seed, row, kind) and leaves kind 0 unchanged, so the larger data set is the same in
        every epoch. `standard` and `face` change every image by (seed, epoch, step) and its place in the batch; `none`
        changes none.
    seed, epoch, step
        Decide all randomness.

    Returns
    -------
    Tensor
        In the order and shape of `images`.
    """
    if augment == "report":
        return fixed_copies(images, kinds.cpu(), rows.cpu(), seed)
    if augment in FRESH_AUGMENTS:
        random = np.random.default_rng((seed, epoch, step))
        return _fresh_change(images, random, colours=augment == "standard")
    return images


def fixed_copies(images: Tensor, kinds: Tensor, rows: Tensor, seed: int) -> Tensor:
    """Images (B, 3, S, S) changed by their kinds (B,), seed and row, on the CPU as `rows` (B,); kind 0 is unchanged."""
    changed = images.clone()
    limit = round(COPY_SHIFT * images.shape[-1])
    for kind in COPY_KINDS:
        chosen = torch.nonzero(kinds == kind).flatten()
        if len(chosen) == 0:
            continue
        at = upload(chosen, images.device)
        random = [np.random.default_rng((seed, row, kind)) for row in rows[chosen].tolist()]
        if kind == FLIP:
            changed[at] = images[at].flip(-1)
        elif kind == BRIGHTNESS:
            factors = np.array([one.uniform(1 - COPY_BRIGHTNESS, 1 + COPY_BRIGHTNESS) for one in random])
            changed[at] = (images[at] * _per_image(factors, images)).clamp(0, 1)
        elif kind == BLUR:
            from torchvision.transforms.v2.functional import gaussian_blur  # imports torch's compiler: a second

            side, sigma = COPY_BLUR
            changed[at] = gaussian_blur(images[at], [side, side], [sigma, sigma])
        else:
            shifts = np.stack([one.integers(-limit, limit, size=2, endpoint=True) for one in random])
            changed[at] = _shift(images[at], shifts, black=True)
    return changed


def _fresh_change(images: Tensor, random: np.random.Generator, *, colours: bool) -> Tensor:
    count, side = images.shape[0], images.shape[-1]
    mirrored = upload(torch.from_numpy(random.random(count) < 0.5), images.device).view(-1, 1, 1, 1)
    limit = int(side * STANDARD_SHIFT)
    shifts = random.integers(-limit, limit, size=(count, 2), endpoint=True)

    def factors(strength: float) -> Tensor:
        return _per_image(random.uniform(1 - strength, 1 + strength, size=count), images)

    brightness = factors(STANDARD_BRIGHTNESS)
    images = _shift(torch.where(mirrored, images.flip(-1), images), shifts, black=False)
    images = (images * brightness).clamp(0, 1)
    if not colours:
        return images
    contrast, saturation = factors(STANDARD_CONTRAST), factors(STANDARD_SATURATION)
    images = _blend(images, _grey(images).mean((2, 3), keepdim=True), contrast)
    return _blend(images, _grey(images), saturation)


def _shift(images: Tensor, shifts: NDArray[np.int64], *, black: bool) -> Tensor:
    """Images shifted down and right by `shifts` (B, 2) pixels, the gap filled with black or the edge."""
    side = images.shape[-1]
    source = torch.arange(side, device=images.device) - upload(torch.from_numpy(shifts), images.device).unsqueeze(2)
    inside = (source >= 0) & (source < side)
    down, right = source.clamp(0, side - 1).unbind(1)
    batch = torch.arange(len(images), device=images.device).view(-1, 1, 1)
    moved = images.permute(0, 2, 3, 1)[batch, down.unsqueeze(2), right.unsqueeze(1)].permute(0, 3, 1, 2)
    return moved * (inside[:, 0, :, None] & inside[:, 1, None, :]).unsqueeze(1) if black else moved


def _blend(images: Tensor, other: Tensor, factor: Tensor) -> Tensor:
    """`factor` times the images plus the rest of the other: below 1 moves towards the other, above 1 away from it."""
    return (other + (images - other) * factor).clamp(0, 1)


def _grey(images: Tensor) -> Tensor:
    """Grey levels (B, 1, S, S)."""
    luma = upload(torch.tensor(LUMA, dtype=images.dtype), images.device).view(1, 3, 1, 1)
    return (images * luma).sum(1, keepdim=True)


def _per_image(factors: NDArray[np.float64], images: Tensor) -> Tensor:
    return upload(torch.from_numpy(factors).to(images.dtype), images.device).view(-1, 1, 1, 1)
