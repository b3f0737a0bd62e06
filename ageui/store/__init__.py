"""The database of runs. Only this package opens runs.db; it returns plain records."""

from ageui.store.attempt_writer import AttemptWriter
from ageui.store.claims import Claim, Claimant, TakeLock
from ageui.store.errors import BusyError, LostRunError
from ageui.store.new_runs import NewRun
from ageui.store.queue import ENDED, QueuePause, RunningRun
from ageui.store.records import AttemptRow, CheckpointRow, RunDetail, RunRow, Summary
from ageui.store.run_changes import DELETED, Changed
from ageui.store.score_records import Predictions, SplitScores
from ageui.store.scores import MeasuredRun, PublishedRun, SplitFigures
from ageui.store.store import Store
from ageui.store.workers import WorkerRow
from engine.epoch_scores import EpochScores, GroupError
from engine.errors import FullError
from engine.events import Epoch
from engine.split_result import BiasResult, Interval

__all__ = [
    "DELETED",
    "ENDED",
    "AttemptRow",
    "AttemptWriter",
    "BiasResult",
    "BusyError",
    "Changed",
    "CheckpointRow",
    "Claim",
    "Claimant",
    "Epoch",
    "EpochScores",
    "FullError",
    "GroupError",
    "Interval",
    "LostRunError",
    "MeasuredRun",
    "NewRun",
    "Predictions",
    "PublishedRun",
    "QueuePause",
    "RunDetail",
    "RunRow",
    "RunningRun",
    "SplitFigures",
    "SplitScores",
    "Store",
    "Summary",
    "TakeLock",
    "WorkerRow",
]
