"""What ageui remembers: the only code that opens runs.db. What comes out are plain records."""

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
from engine.fairness import BiasResult, Interval

__all__ = [
    "AttemptRow",
    "BiasResult",
    "CheckpointRow",
    "Epoch",
    "Interval",
    "Predictions",
    "RunDetail",
    "RunRow",
    "SplitScores",
    "Store",
    "Summary",
]
