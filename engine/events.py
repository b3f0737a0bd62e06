"""What a run tells the world while it trains. Plain frozen records; NaN and infinity are legal in every float."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.fairness import SplitResult

RunOutcome = Literal["done", "diverged", "interrupted"]


@dataclass(frozen=True)
class Progressed:
    """Work that is not training: decoding images, computing features. `total` items, `done` of them ready."""

    what: str
    done: int
    total: int


@dataclass(frozen=True)
class Noted:
    """One line that a person should see: a choice that was made and why, a policy in force, a warning."""

    message: str


@dataclass(frozen=True)
class RunStarted:
    """`manifest`: versions, device, dtype, threads, data hash and counts, parameter counts, weights file hash."""

    manifest: dict[str, Any]


@dataclass(frozen=True)
class StageStarted:
    stage: int
    stages: int
    epochs: int
    steps_per_epoch: int
    trainable_parameters: int


@dataclass(frozen=True)
class StepEnded:
    """Throttled: at most a few each second. `epoch` counts from 1 over all stages, `step` from 1 over the run."""

    stage: int
    epoch: int
    step: int
    total_steps: int
    loss: float
    images_per_second: float
    eta_seconds: float


@dataclass(frozen=True)
class EpochEnded:
    """`epoch` counts from 1 over all stages. Losses are on ages divided by 100; `val_mae` is in years.

    The train loss is the running mean over the epoch's batches, with sample weights; the validation loss has none.
    Both validation figures are None where the data has no labelled validation images.
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


@dataclass(frozen=True)
class CheckpointWritten:
    """A file of weights, complete on disk. `epoch` is the one whose weights it holds."""

    path: str
    epoch: int
    step: int
    sha256: str
    bytes: int


@dataclass(frozen=True, eq=False)
class Evaluated:
    """One labelled split scored with the kept weights.

    `predicted` (N,) float32 in years, aligned with the rows of `items` (columns image, age and the attributes).
    """

    split: str
    result: SplitResult
    items: pd.DataFrame
    predicted: NDArray[np.float32]


@dataclass(frozen=True)
class RunEnded:
    outcome: RunOutcome
    reason: str
    seconds: float


Event = (
    Progressed | Noted | RunStarted | StageStarted | StepEnded | EpochEnded | CheckpointWritten | Evaluated | RunEnded
)
