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
    """Work other than training, such as decoding images or computing features: `done` of `total` items are ready."""

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
    """An attempt started. `manifest` has versions, device, dtype, threads, counts and hashes of data and weights.

    `step` and `epoch` are those of the checkpoint that the run continues from, 0 for a new run.
    """

    manifest: dict[str, Any]
    step: int = 0
    epoch: int = 0


@dataclass(frozen=True)
class StageStarted:
    """Stage `stage` of `stages` started, with at most `epochs` epochs."""

    stage: int
    stages: int
    epochs: int
    steps_per_epoch: int
    trainable_parameters: int


@dataclass(frozen=True)
class StepsEnded:
    """The steps since the last such event. A few events per second at most.

    `step` of `total_steps` have ended, and `epoch` is running, all counted over all stages. An early stop lowers
    `total_steps`. `eta_seconds` remain of the stage.
    `losses` are (step, train loss) of at most `POINTS_PER_EPOCH` steps per epoch. The choice of steps depends only on
    the config, never on time.
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
    batches, with sample weights; the validation loss has no weights. Both validation figures are None without labelled
    validation images. `scores` are those on the validation split; None also for epochs that are not scored because
    they take only milliseconds.
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
        """Whether no loss is NaN or infinite. Only such epochs' weights are kept."""
        return math.isfinite(self.train_loss) and (self.val_loss is None or math.isfinite(self.val_loss))


@dataclass(frozen=True)
class EpochEnded(Epoch):
    """An epoch has ended."""


@dataclass(frozen=True)
class EpochScored:
    """The scores of an earlier epoch that was the best when the stage reached its next scored epoch."""

    epoch: int
    scores: EpochScores


@dataclass(frozen=True)
class CheckpointWritten:
    """A file in the run's folder is complete on disk, with weights after `step` and `epoch`.

    A `state` file holds everything that a later attempt needs to continue; a `best` file holds the weights to keep.
    """

    kind: CheckpointKind
    path: str
    epoch: int
    step: int
    sha256: str
    bytes: int


@dataclass(frozen=True, eq=False)
class Evaluated:
    """A labelled split was scored with the kept weights, which were selected on the split `selected_on`, if any.

    `predicted` (N,) float32 in years is aligned with the rows of `items` (columns image, age, the attributes, and, if
    the data has them, subject and the ends of ages given as ranges). `data_hash` is the content hash of scored data
    that is not the run's own.
    """

    split: str
    result: SplitResult
    items: "pd.DataFrame"
    predicted: NDArray[np.float32]
    selected_on: str | None = None
    data_hash: str | None = None


@dataclass(frozen=True)
class MemoryPeaked:
    """The attempt's peak memory in bytes: reserved by torch on the GPU, else resident in the process."""

    bytes: int


@dataclass(frozen=True)
class RunFailed:
    """The last event of a failed run. `failure` is the name under which it is filed, see `engine.errors`.

    `message` is for people. For an unforeseen failure, it is a line that names the error, then the traceback.
    """

    failure: str
    message: str
    exit_code: int


@dataclass(frozen=True)
class RunEnded:
    """The last event of a run that did not fail. `reason` says why its outcome is not `done`; else it is empty."""

    outcome: RunOutcome
    reason: str
    seconds: float


@dataclass(frozen=True)
class Released:
    """Follows a run that has ended: its process has freed all of the run's resources and accepts another run."""


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
