"""The state of a run in training on disk: all that the next attempt needs to go on as if nothing had happened."""

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, cast

import torch
from torch import Tensor

from engine.errors import DataError
from engine.files import SavedFile, read_verified, write_for_run
from engine.request import CheckpointFile

FORMAT = "ageui-state-1"


@dataclass
class Position:
    """Where a run stands between two steps.

    `stage` is the one in progress, from 1; one above the last once all have ended. `stage_epoch` epochs of it have
    ended, and of the running epoch `batch` steps, with `images` images in `seconds`. `epoch` and `step` count those
    that have ended over the whole run. `waited` epochs of the stage brought no better validation loss.
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
    """The weights to keep so far: of the lowest validation loss, or the latest where there is none to go by."""

    loss: float = math.inf
    epoch: int = 0
    step: int = 0
    state: dict[str, Tensor] = field(default_factory=dict)


@dataclass
class TrainingState:
    """`model` lacks the backbone while that is frozen. `optimizer` is None between stages. `loss` is what train steps
    change in the loss; a state of before there was such a loss has nothing there.

    `loss_sum` is the running epoch's sum of batch loss times images. `data_hash` and `init_sha256` name what the run
    was begun with: the data's content and the file of its first weights.
    """

    position: Position
    best: BestWeights
    loss_sum: Tensor
    model: dict[str, Tensor]
    optimizer: dict[str, Any] | None
    data_hash: str
    init_sha256: str | None
    loss: dict[str, Tensor] = field(default_factory=dict)


def snapshot(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """A copy of a state on the CPU that later training cannot change."""
    return {name: tensor.detach().to("cpu", copy=True) for name, tensor in state.items()}


def save_state(state: TrainingState, path: Path) -> SavedFile:
    """Writes a state atomically and flushed to the disk. Raises `DiskFullError` or `RunFailedError`."""
    content = {"format": FORMAT, **vars(state), "position": vars(state.position), "best": vars(state.best)}
    return write_for_run(path, lambda stream: torch.save(content, cast(IO[bytes], stream)), "checkpoint")


def load_state(path: Path, sha256: str) -> TrainingState:
    """A state that `save_state` wrote, on the CPU. Raises `DataError` for one that is missing or not what was written.

    The hash is compared first: torch itself would load most files in which a bit has flipped.
    """
    content = read_verified(path, sha256)
    try:
        found = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
        if (format_found := found.pop("format")) != FORMAT:
            raise DataError(f"{path} has the format {format_found!r}, this ageui reads {FORMAT}")
        position, best = Position(**found.pop("position")), BestWeights(**found.pop("best"))
        return TrainingState(position=position, best=best, **found)
    except DataError:
        raise
    except Exception as error:  # what torch raises for a file it cannot read is not documented
        raise DataError(f"{path} cannot be read as a checkpoint: {error}") from error


def load_newest(files: Sequence[CheckpointFile], folder: Path) -> tuple[TrainingState | None, list[str]]:
    """The first of `files` (newest first) that can be used, and what is wrong with those before it."""
    problems: list[str] = []
    for file in files:
        try:
            return load_state(folder / file.path, file.sha256), problems
        except DataError as error:
            problems.append(str(error))
    return None, problems
