"""The training state of a run on disk: everything that the next attempt needs to continue with identical results."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, cast

import torch
from torch import Tensor

from engine.errors import DataError
from engine.files import SavedFile, read_verified, write_for_run
from engine.pickled_tensors import load_tensors
from engine.request import CheckpointFile

FORMAT = "ageui-state-1"


@dataclass
class Position:
    """The position of a run between two steps.

    `stage` is the running stage, from 1; one above the last once all have ended. `stage_epoch` counts its ended epochs.
    `batch`, `images` and `seconds` count the steps, images and time of the running epoch. `epoch` and `step` count
    ended epochs and steps over the whole run. `waited` counts the latest epochs in a row without a better validation
    loss.
    """

    stage: int = 1
    stage_epoch: int = 0
    batch: int = 0
    epoch: int = 0
    step: int = 0
    waited: int = 0
    images: int = 0
    seconds: float = 0.0

    @property
    def at_stage_start(self) -> bool:
        return self.stage_epoch == 0 and self.batch == 0

    @property
    def images_per_second(self) -> float:
        """Throughput of the running epoch, over all of its attempts."""
        return self.images / self.seconds

    def end_step(self, images: int, seconds: float) -> None:
        """Counts a step of `images`, `seconds` after the epoch began."""
        self.step += 1
        self.batch += 1
        self.images += images
        self.seconds = seconds

    def end_epoch(self) -> None:
        self.epoch += 1
        self.stage_epoch += 1
        self.batch = self.images = 0
        self.seconds = 0.0

    def end_stage(self) -> None:
        self.stage += 1
        self.stage_epoch = self.waited = 0


@dataclass
class BestWeights:
    """The weights to keep so far: those with the lowest validation loss, or the latest without validation.

    `loss` is infinite until an epoch of its stage has a finite loss. `predicted` are the ages in years that these
    weights predict on the validation split, until their epoch is scored, then empty; older checkpoints lack them.
    """

    loss: float = math.inf
    epoch: int = 0
    step: int = 0
    state: dict[str, Tensor] = field(default_factory=dict)
    predicted: Tensor = field(default_factory=lambda: torch.empty(0))


@dataclass
class TrainingState:
    """The content of a checkpoint.

    `model` lacks the backbone while it is frozen. `optimizer` is None between stages. `loss` is the state of the loss,
    and `average` holds the averaged weights of `ema` by name; older checkpoints lack both. `loss_sum` is the sum of
    batch loss times images over the running epoch. `data_hash` and `init_sha256` identify the data's content and the
    file of the first weights.
    """

    position: Position
    best: BestWeights
    loss_sum: Tensor
    model: dict[str, Tensor]
    optimizer: dict[str, Any] | None
    data_hash: str
    init_sha256: str | None
    loss: dict[str, Tensor] = field(default_factory=dict)
    average: dict[str, Tensor] = field(default_factory=dict)


def snapshot(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """A copy of a state on the CPU, unaffected by later training."""
    return {name: tensor.detach().to("cpu", copy=True) for name, tensor in state.items()}


def save_state(state: TrainingState, path: Path) -> SavedFile:
    """Writes a state atomically and flushes it to the disk. Raises `DiskFullError` or `RunFailedError`."""
    content = {"format": FORMAT, **vars(state), "position": vars(state.position), "best": vars(state.best)}
    return write_for_run(path, lambda stream: torch.save(content, cast(IO[bytes], stream)), "checkpoint")


def load_state(path: Path, sha256: str) -> TrainingState:
    """Reads a state that `save_state` wrote, to the CPU.

    Compares the hash first: torch would load most files with a flipped bit. Raises `DataError` for a file that is
    missing, differs from the one written, or has another format.
    """
    content = read_verified(path, sha256)
    try:
        found = load_tensors(content)
        if (format_found := found.pop("format")) != FORMAT:
            raise DataError(f"{path} has format {format_found!r}, but this ageui reads {FORMAT}")
        position, best = Position(**found.pop("position")), BestWeights(**found.pop("best"))
        return TrainingState(position=position, best=best, **found)
    except DataError:
        raise
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{path} cannot be read as a checkpoint: {error}") from error


def load_newest(files: Sequence[CheckpointFile], folder: Path) -> tuple[TrainingState | None, list[str]]:
    """The first usable file of `files` (newest first), and the problems of those before it."""
    problems: list[str] = []
    for file in files:
        try:
            return load_state(folder / file.path, file.sha256), problems
        except DataError as error:
            problems.append(str(error))
    return None, problems
