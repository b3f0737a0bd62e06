"""Gathers the known facts of one run for its report."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ageui.compare import Comparison
from ageui.present.table import Cell
from ageui.text.states import why_no_scores

if TYPE_CHECKING:
    from ageui.store import Epoch, Predictions, RunDetail, SplitScores


@dataclass(frozen=True, eq=False)
class RunFacts:
    """A run with its scores and predictions on the reported split; None if it has none.

    `alone` compares it with the constant predictor on that split, or holds published figures; None if it has neither.
    """

    detail: "RunDetail"
    split: str | None
    scores: "SplitScores | None"
    predictions: "Predictions | None"
    alone: Comparison | None

    @property
    def is_published(self) -> bool:
        """Whether its figures come from the published report or another tool, without images behind them."""
        return self.detail.row.is_published

    @property
    def cells(self) -> tuple[tuple[str, Cell], ...]:
        """Its figures, each with its column of a comparison; empty without scores on the split."""
        if self.alone is None:
            return ()
        return tuple(zip(self.alone.columns, self.alone.rows[0].cells, strict=True))

    @property
    def constant(self) -> tuple[Cell, ...] | None:
        """The figures of the constant predictor on the same images, in the order of the run's."""
        rows = self.alone.rows if self.alone is not None else ()
        return next((row.cells for row in rows if row.kind == "constant"), None)

    @property
    def notes(self) -> tuple[str, ...]:
        """Notes on its figures."""
        return self.alone.notes if self.alone is not None else ()

    @property
    def best_epoch(self) -> "Epoch | None":
        """The epoch with the best validation loss, the last of several; None without one."""
        return next((epoch for epoch in reversed(self.detail.history) if epoch.is_best), None)

    @property
    def seconds(self) -> float | None:
        """The total time of all attempts."""
        return sum(attempt.seconds or 0.0 for attempt in self.detail.attempts) or None

    @property
    def facts(self) -> dict[str, Any]:
        """The manifest: machine, software and data of an attempt; empty if none was recorded."""
        return self.detail.manifest or {}

    @property
    def why_unscored(self) -> str:
        """A sentence on why the run has no scores on the split."""
        if self.detail.results:
            there = ", ".join(scores.split for scores in self.detail.results)
            return f"It was not scored on {self.split}, but on {there}."
        return sentence(why_no_scores(self.detail.row))


def plot_name(run: "RunDetail", what: str) -> str:
    """The name of a run's plot, unique among all runs and fit for a file."""
    return f"run-{run.id}-{what}"


def sentence(text: str) -> str:
    """A note as a sentence: with a capital letter and a full stop."""
    return f"{text[:1].upper()}{text[1:]}."
