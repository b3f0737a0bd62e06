"""Predicts the peak memory of a run from its config and its backbone's footprint. Needs no torch.

The prediction adds up tensors that are alive at once, which `engine.count_footprint` counts exactly. Only the overhead
of memory allocators was measured, see `HEAP_SHARE`.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict

from engine.config import RunConfig

HEAP_SHARE: Final = 1.3
"""Growth of a processor's heap for each byte of tensors that come and go: freed blocks of up to 32 MB fit later
requests only in part. Measured with glibc on ResNet18 and 50 at 64 to 224 pixels: 1.2 to 1.5."""

UNDER_WAY: Final = 40_000_000
"""Bytes of labels, decoding and libraries loaded late, beyond a process that has trained one tiny step. Measured: 30 to
60 MB."""

_FLOAT: Final = 4
_MOST_OUTPUTS: Final = 101
_SLOTS: Final = {"adam": 2, "adadelta": 2, "sgd": 0}


class LinearBytes(BaseModel):
    """Bytes as a linear function of the images in a batch."""

    model_config = ConfigDict(frozen=True)

    fixed: int
    per_image: int

    def at(self, batch: int) -> int:
        return self.fixed + self.per_image * batch


class Footprint(BaseModel):
    """Memory of a backbone at one size, on one device and in one arithmetic; all in bytes but the counts.

    `training` (with the gradients of its weights) and `scoring` are the bytes alive beside the weights at the peak of a
    step: the largest of the lines counts. `process` is an engine's process without a network; on CUDA, where the GPU's
    memory is the limit, it is 0. `state` are the weights and the other tensors kept with them. `needs_pairs` is
    that of `engine.models.backbones.Backbone`.
    """

    model_config = ConfigDict(frozen=True)

    device_type: Literal["cpu", "cuda"]
    dtype: str
    size: int
    process: int
    parameters: int
    state: int
    features: int
    training: tuple[LinearBytes, ...]
    scoring: tuple[LinearBytes, ...]
    scoring_batch: int
    features_batch: int
    needs_pairs: bool = False


class FileSizes(NamedTuple):
    """Bytes of the weights that a run keeps, and of a training state: weights, best weights and the optimizer's."""

    weights: int
    state: int


class PeakMemory(BaseModel):
    """A predicted peak in bytes.

    On a processor, `mapped` of them are pixels that the system reads from disk and drops again when memory gets short.
    Without a number of images these are left out, and `counts_images` is False.
    """

    model_config = ConfigDict(frozen=True)

    device_type: Literal["cpu", "cuda"]
    bytes: int
    mapped: int
    counts_images: bool

    @property
    def needed(self) -> int:
        """Bytes that a run cannot do without."""
        return self.bytes - self.mapped


def predicted_peak(
    config: RunConfig, footprint: Footprint, images: int | None, most_pixels: int | None = None
) -> PeakMemory:
    """The peak memory of a run over its stages.

    Parameters
    ----------
    config
        The run.
    footprint
        Its backbone's footprint.
    images
        Images of its data set; None if unknown.
    most_pixels
        The most bytes of pixels held on a GPU; more are streamed. None for no limit.

    Returns
    -------
    PeakMemory
        For a processor, memory of the engine's process, pixels included. For CUDA, the memory that torch reserves,
        without overhead of cuDNN and the allocator.
    """
    on_cpu = footprint.device_type == "cpu"
    has_frozen_stage = config.strategy == "freeze" and config.epochs[0] > 0
    stages = [_frozen_stage(config, footprint, images)] if has_frozen_stage else []
    if config.trains_backbone:
        stages.append(_whole_stage(config, footprint, images))
    pixels = (images or 0) * 3 * footprint.size**2
    if not on_cpu and most_pixels is not None and pixels > most_pixels:
        pixels = 0
    return PeakMemory(
        device_type=footprint.device_type,
        bytes=footprint.process + (UNDER_WAY if on_cpu else 0) + max(stages) + pixels,
        mapped=pixels if on_cpu else 0,
        counts_images=images is not None,
    )


def _whole_stage(config: RunConfig, footprint: Footprint, images: int | None) -> int:
    """Weights, optimizer and best weights stay; steps and scoring come and go.

    Writing the kept weights copies them into memory that steps have freed, and once more into one block that fits
    nowhere there.
    """
    head = _head_parameters(config, footprint.features) * _FLOAT
    weights, trained = footprint.state + head, footprint.parameters * _FLOAT + head
    optimizer = trained * _slots(config)
    steps = _at(footprint.training, _batch(config, images)) + head
    scoring = _at(footprint.scoring, _within(footprint.scoring_batch, images)) + trained
    if footprint.device_type == "cuda":
        # On CUDA, the optimizer works on all weights at once, and steps that are CUDA graphs keep their memory.
        return weights + optimizer + steps + max(scoring, 2 * trained)
    heap = max(int(HEAP_SHARE * max(steps, scoring)), trained + weights)
    return 2 * weights + optimizer + heap + weights


def file_sizes(config: RunConfig, footprint: Footprint) -> FileSizes:
    """The bytes of a run's files once it trains all weights."""
    head = _head_parameters(config, footprint.features) * _FLOAT
    weights, trained = footprint.state + head, footprint.parameters * _FLOAT + head
    return FileSizes(weights, 2 * weights + trained * _slots(config))


def _frozen_stage(config: RunConfig, footprint: Footprint, images: int | None) -> int:
    """The backbone only scores: all images once, keeping the features, or each batch if every epoch augments."""
    head = _head_parameters(config, footprint.features) * _FLOAT
    augments = config.augment == "standard"
    blocks = [config.batch, footprint.scoring_batch] if augments else [footprint.features_batch]
    each = [_at(footprint.scoring, _within(block, images)) for block in blocks]
    # On CUDA, steps that are graphs keep their memory during scoring.
    scoring = sum(each) if footprint.device_type == "cuda" else max(each)
    features = 0 if augments else (images or 0) * footprint.features * _FLOAT
    trained = head * (2 + _slots(config))
    if footprint.device_type == "cuda":
        return footprint.state + trained + features + scoring
    # Twice, because the features are concatenated from parts.
    heap = max(int(HEAP_SHARE * (scoring + 2 * features)), features + footprint.state)
    return footprint.state + head + trained + heap + footprint.state


def _batch(config: RunConfig, images: int | None) -> int:
    return _within(config.batch, images)


def _within(batch: int, images: int | None) -> int:
    return batch if images is None else min(batch, images)


def _at(lines: Sequence[LinearBytes], batch: int) -> int:
    return max(line.at(batch) for line in lines)


def _slots(config: RunConfig) -> int:
    """Numbers that the optimizer keeps for each weight."""
    return 1 if config.optimizer == "sgd" and config.momentum else _SLOTS[config.optimizer]


def _head_parameters(config: RunConfig, features: int) -> int:
    widths = [features, *(config.widths or ()), _MOST_OUTPUTS]
    return sum((inputs + 1) * units for inputs, units in pairwise(widths))
