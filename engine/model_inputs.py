"""Inputs of the network: images from the pixel cache, or features of a frozen backbone."""

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.augment import FLIP, augment_images, fixed_copies
from engine.config import RunConfig
from engine.data.dataset import Dataset
from engine.device import Placement, upload
from engine.models import AgeModel
from engine.pixel_source import PixelSource

EVALUATION_BATCH = 256


@dataclass(frozen=True)
class Rows:
    """Rows to train on or to score: positions in the data set's frame, and the kind of copy of each (0: none)."""

    positions: NDArray[np.int64]
    kinds: NDArray[np.int8]

    @classmethod
    def plain(cls, positions: NDArray[np.int64]) -> "Rows":
        return cls(positions, np.zeros(len(positions), dtype=np.int8))

    def mirrored(self) -> "Rows":
        """The mirror images of all rows."""
        return Rows(self.positions, np.full_like(self.kinds, FLIP))

    def with_mirrored(self) -> "Rows":
        """All rows, plus the missing mirror images of rows that are not copies."""
        plain = self.positions[self.kinds == 0]
        lacking = Rows.plain(np.setdiff1d(plain, self.positions[self.kinds == FLIP])).mirrored()
        return Rows(np.concatenate([self.positions, lacking.positions]), np.concatenate([self.kinds, lacking.kinds]))

    def take(self, chosen: NDArray[np.int64]) -> "Rows":
        return Rows(self.positions[chosen], self.kinds[chosen])

    def blocks(self, size: int) -> Iterator["Rows"]:
        for start in range(0, len(self.positions), size):
            yield Rows(self.positions[start : start + size], self.kinds[start : start + size])


@dataclass(frozen=True)
class Batch:
    """Rows with their stored values on the device: pixels (B, S, S, 3) uint8 or features (B, F) fp32."""

    rows: Rows
    stored: Tensor


class Inputs(Protocol):
    """Turns rows into the network's output."""

    def batches(self, batches: Sequence[Rows]) -> Generator[Batch]:
        """Yields each batch, prepared in advance if that takes time. Close the generator when leaving early."""

    def prepared(self, batch: Batch, epoch: int, step: int) -> Tensor:
        """The network's input for a train batch: augmented images (B, 3, S, S) in [0, 1], or features (B, F)."""

    def train_output(self, model: AgeModel, prepared: Tensor) -> Tensor:
        """The output for a prepared batch, (B,) or (B, logits) fp32, with gradients."""

    def fixed_features(self, model: AgeModel, batch: Batch) -> Tensor:
        """Features (B, F) fp32 of images and of their fixed copies."""


def backbone_features(model: AgeModel, images: Tensor, placement: Placement) -> Tensor:
    """Pooled features (B, F) fp32 of RGB images (B, 3, S, S) in [0, 1]."""
    normalised = model.normalised(images)
    with placement.autocast():
        return model.features(normalised).float()


class ImageInputs:
    """Images from the pixel cache, normalised and augmented on the device; `warn` reports damaged images."""

    def __init__(
        self,
        dataset: Dataset,
        config: RunConfig,
        placement: Placement,
        source: PixelSource,
        warn: Callable[[str], None] = lambda message: None,
    ) -> None:
        self._pixels, self._warn = dataset.pixels, warn
        self._pixel_of = dataset.frame["pixel"].to_numpy(dtype=np.int64)
        self._config = config
        self._placement = placement
        self.source = source

    def batches(self, batches: Sequence[Rows]) -> Generator[Batch]:
        with closing(self.source.blocks([self._pixel_of[rows.positions] for rows in batches])) as blocks:
            for rows, block in zip(batches, blocks, strict=True):
                if (warning := self._pixels.take_warning()) is not None:
                    self._warn(warning)
                yield Batch(rows, block)

    def prepared(self, batch: Batch, epoch: int, step: int) -> Tensor:
        kinds, positions = torch.from_numpy(batch.rows.kinds), torch.from_numpy(batch.rows.positions)
        config = self._config
        return augment_images(_scaled(batch), kinds, positions, config.augment, config.seed, epoch, step)

    def train_output(self, model: AgeModel, prepared: Tensor) -> Tensor:
        return model.score(self._features(model, prepared))

    def fixed_features(self, model: AgeModel, batch: Batch) -> Tensor:
        images = _scaled(batch)
        if batch.rows.kinds.any():
            kinds, positions = torch.from_numpy(batch.rows.kinds), torch.from_numpy(batch.rows.positions)
            images = fixed_copies(images, kinds, positions, self._config.seed)
        return self._features(model, images)

    def _features(self, model: AgeModel, images: Tensor) -> Tensor:
        return backbone_features(model, images, self._placement)


def _scaled(batch: Batch) -> Tensor:
    """Images (B, 3, S, S) in [0, 1]."""
    return batch.stored.permute(0, 3, 1, 2).float().div_(255)


class FeatureInputs:
    """Features (R, F) fp32 of a frozen backbone, on the device, with the rows they belong to."""

    def __init__(self, features: Tensor, rows: Rows, placement: Placement) -> None:
        self._features = features.to(placement.device)
        self._place = np.full((int(rows.kinds.max()) + 1, int(rows.positions.max()) + 1), -1, dtype=np.int64)
        self._place[rows.kinds, rows.positions] = np.arange(len(rows.positions))

    def batches(self, batches: Sequence[Rows]) -> Generator[Batch]:
        if not batches:
            return
        kinds = np.concatenate([rows.kinds for rows in batches])
        positions = np.concatenate([rows.positions for rows in batches])
        places = upload(torch.from_numpy(self._place[kinds, positions]), self._features.device)
        for rows, chosen in zip(batches, torch.split(places, [len(rows.positions) for rows in batches]), strict=True):
            yield Batch(rows, self._features.index_select(0, chosen))

    def prepared(self, batch: Batch, epoch: int, step: int) -> Tensor:
        return batch.stored

    def train_output(self, model: AgeModel, prepared: Tensor) -> Tensor:
        return model.score(prepared)

    def fixed_features(self, model: AgeModel, batch: Batch) -> Tensor:
        return batch.stored


def fixed_features(
    model: AgeModel, inputs: Inputs, rows: Rows, each: Callable[[int, int], None] = lambda done, total: None
) -> Tensor:
    """Features (R, F) fp32 of rows on the CPU, in inference mode; parameters are as in `model_outputs`."""
    return _of_blocks(model, inputs, rows, each, lambda features: features)


def model_outputs(
    model: AgeModel,
    inputs: Inputs,
    rows: Rows,
    each: Callable[[int, int], None] = lambda done, total: None,
    *,
    mirror: bool = False,
) -> tuple[Tensor, ...]:
    """The network's outputs for rows, in inference mode.

    Parameters
    ----------
    model
        The network.
    inputs
        Images or cached features of the rows.
    rows
        R rows.
    each
        Called with the numbers of finished and of all rows.
    mirror
        Whether to score the mirror images as well.

    Returns
    -------
    tuple of Tensor
        One for the images and, with `mirror`, one for their mirror images; each of shape (R,) or (R, logits), fp32, on
        the CPU.
    """
    views = (rows, rows.mirrored()) if mirror else (rows,)
    return tuple(_of_blocks(model, inputs, view, each, model.score) for view in views)


def _of_blocks(
    model: AgeModel, inputs: Inputs, rows: Rows, each: Callable[[int, int], None], use: Callable[[Tensor], Tensor]
) -> Tensor:
    """The results of `use` for the rows' features, on the CPU."""
    model.eval()
    found, done = [], 0
    with torch.inference_mode(), closing(inputs.batches(list(rows.blocks(EVALUATION_BATCH)))) as batches:
        for batch in batches:
            found.append(use(inputs.fixed_features(model, batch)))
            done += len(batch.rows.positions)
            each(done, len(rows.positions))
    return torch.cat(found).cpu()
