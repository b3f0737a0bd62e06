"""The events of a run in training. Plain frozen records; NaN and infinity are legal in every float."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from engine.epoch_scores import EpochScores
from engine.split_result import SplitResult

if TYPE_CHECKING:
    import pandas as pd

RunOutcome = Literal["done", "diverged", "interrupted"]
CheckpointKind = Literal["state", "best"]

POINTS_PER_EPOCH = 128


@dataclass(frozen=True)
class Progressed:
    """Work that is not training: decoding images, computing features. `total` items, `done` of them ready."""

    what: str
    done: int
    total: int


@dataclass(frozen=True)
class Noted:
    """One line for people: a choice and its reason, a policy in force, or a warning."""

    message: str
    warning: bool = False


@dataclass(frozen=True)
class RunStarted:
    """`manifest`: versions, device, dtype, threads, data hash and counts, parameter counts, weights file hash.

    `step` and `epoch` are those of the checkpoint that the run continues from, 0 for a new run.
    """

    manifest: dict[str, Any]
    step: int = 0
    epoch: int = 0


@dataclass(frozen=True)
class StageStarted:
    stage: int
    stages: int
    epochs: int
    steps_per_epoch: int
    trainable_parameters: int


@dataclass(frozen=True)
class StepsEnded:
    """Steps since the last such event, at most a few events each second.

    `step` of `total_steps` have ended, both counted over all stages, as is `epoch`, the running one. An early stop
    lowers `total_steps`. `eta_seconds` remain of the stage.
    `losses` are (step, train loss) of at most `POINTS_PER_EPOCH` steps an epoch. Which steps these are depends on the
    config alone, never on the time.
    """

    stage: int
    epoch: int
    step: int
    total_steps: int
    losses: tuple[tuple[int, float], ...]
    images_per_second: float
    eta_seconds: float


@dataclass(frozen=True)
class Epoch:
    """The figures of an epoch; `epoch` counts from 1 over all stages.

    Losses are on ages divided by 100; `val_mae` is in years. The train loss is the running mean over the epoch's
    batches, with sample weights; the validation loss has none. Both validation figures are None if the data has no
    labelled validation images. `scores` are those on the validation split; None also for an epoch between two scored
    ones, where epochs take milliseconds.
    """

    stage: int
    epoch: int
    step: int
    train_loss: float
    val_loss: float | None
    val_mae: float | None
    lr: float
    seconds: float
    images_per_second: float
    is_best: bool
    scores: EpochScores | None = None

    @property
    def is_finite(self) -> bool:
        """Whether no loss is NaN or infinite. Weights are kept of such epochs only."""
        return math.isfinite(self.train_loss) and (self.val_loss is None or math.isfinite(self.val_loss))


@dataclass(frozen=True)
class EpochEnded(Epoch):
    """An epoch has ended."""


@dataclass(frozen=True)
class EpochScored:
    """The scores of an earlier epoch, which was the best one when the stage came to an epoch that is scored."""

    epoch: int
    scores: EpochScores


@dataclass(frozen=True)
class CheckpointWritten:
    """A file in the run's folder, complete on disk, of the weights after `step` and `epoch`.

    `state` is everything that a later attempt needs to continue from there; `best` are the weights to keep.
    """

    kind: CheckpointKind
    path: str
    epoch: int
    step: int
    sha256: str
    bytes: int


@dataclass(frozen=True, eq=False)
class Evaluated:
    """One labelled split scored with the kept weights, which were selected on the split `selected_on`, if on any.

    `predicted` (N,) float32 in years, aligned with the rows of `items` (columns image, age, subject and the ends of
    ages given as ranges if the data has them, and the attributes). `data_hash` is the content hash of other data than
    the run's own.
    """

    split: str
    result: SplitResult
    items: "pd.DataFrame"
    predicted: NDArray[np.float32]
    selected_on: str | None = None
    data_hash: str | None = None


@dataclass(frozen=True)
class MemoryPeaked:
    """The attempt's peak memory in bytes, at its end: reserved by torch on the GPU, else resident in the process."""

    bytes: int


@dataclass(frozen=True)
class RunFailed:
    """The last event of a run that could not continue. `failure` is the name it is filed under, see `engine.errors`.

    `message` is for people; for an unforeseen failure, a line that names the error and then its traceback.
    """

    failure: str
    message: str
    exit_code: int


@dataclass(frozen=True)
class RunEnded:
    outcome: RunOutcome
    reason: str
    seconds: float


@dataclass(frozen=True)
class Released:
    """Follows a run that has ended: its process holds nothing of it any more and accepts another run."""


Event = (
    Progressed
    | Noted
    | RunStarted
    | StageStarted
    | StepsEnded
    | EpochEnded
    | EpochScored
    | CheckpointWritten
    | Evaluated
    | MemoryPeaked
    | RunFailed
    | RunEnded
    | Released
)
