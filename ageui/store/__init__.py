"""What ageui remembers: the only code that opens runs.db. What comes out are plain records."""

from ageui.store.attempt_writer import AttemptWriter
from ageui.store.claims import Claim, Claimant
from ageui.store.enqueue import NewRun
from ageui.store.errors import BusyError, LostRunError
from ageui.store.measured_runs import MeasuredRun, SplitFigures
from ageui.store.published import PublishedRun
from ageui.store.queue import ENDED, Held, RunningRun
from ageui.store.records import (
    AttemptRow,
    CheckpointRow,
    Epoch,
    Predictions,
    RunDetail,
    RunRow,
    SplitScores,
    Summary,
)
from ageui.store.store import Store
from ageui.store.workers import WorkerRow
from engine.errors import FullError
from engine.fairness import BiasResult, Interval

__all__ = [
    "ENDED",
    "AttemptRow",
    "AttemptWriter",
    "BiasResult",
    "BusyError",
    "CheckpointRow",
    "Claim",
    "Claimant",
    "Epoch",
    "FullError",
    "Held",
    "Interval",
    "LostRunError",
    "MeasuredRun",
    "NewRun",
    "Predictions",
    "PublishedRun",
    "RunDetail",
    "RunRow",
    "RunningRun",
    "SplitFigures",
    "SplitScores",
    "Store",
    "Summary",
    "WorkerRow",
]
