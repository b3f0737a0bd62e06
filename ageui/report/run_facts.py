"""What is known of one run, gathered for its report, and the words for what is not."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ageui.compare import Cell, Comparison
from ageui.compare.comparison import MAE
from ageui.compare.formats.wording import head
from ageui.text.states import why_no_scores

if TYPE_CHECKING:
    from ageui.store import Epoch, Predictions, RunDetail, SplitScores


@dataclass(frozen=True, eq=False)
class OfRun:
    """A run with its scores on the split that is reported, and its predictions there; None where it has none.

    `alone` sets it against the constant predictor on that split, or holds published figures; None where it has neither.
    """

    detail: "RunDetail"
    split: str | None
    scores: "SplitScores | None"
    predictions: "Predictions | None"
    alone: Comparison | None

    @property
    def is_published(self) -> bool:
        """Whether its figures are out of the report, so that it has no scores, and no images they are for."""
        return self.detail.row.is_published

    @property
    def cells(self) -> tuple[tuple[str, Cell], ...]:
        """Its figures, each with its column of a comparison; none where it was not scored on the split."""
        if self.alone is None:
            return ()
        return tuple(zip(self.alone.columns, self.alone.rows[0].cells, strict=True))

    @property
    def constant(self) -> tuple[Cell, ...] | None:
        """What the constant predictor scores on the same images, in the order of the run's figures."""
        rows = self.alone.rows if self.alone is not None else ()
        return next((row.cells for row in rows if row.kind == "constant"), None)

    @property
    def notes(self) -> tuple[str, ...]:
        """What there is to say of its figures."""
        return self.alone.notes if self.alone is not None else ()

    @property
    def best_epoch(self) -> "Epoch | None":
        """The last epoch whose validation loss was the best so far; None where there was none."""
        return next((epoch for epoch in reversed(self.detail.history) if epoch.is_best), None)

    @property
    def seconds(self) -> float | None:
        """How long its processes took together."""
        return sum(attempt.seconds or 0.0 for attempt in self.detail.attempts) or None

    @property
    def facts(self) -> dict[str, Any]:
        """What an attempt told of its surroundings; empty where none did."""
        return self.detail.manifest or {}

    @property
    def why_unscored(self) -> str:
        """A sentence for a run without scores on the split."""
        if self.detail.results:
            there = ", ".join(scores.split for scores in self.detail.results)
            return f"It was not scored on {self.split}, but on {there}."
        return sentence(why_no_scores(self.detail.row))


def figure_name(run: "RunDetail", what: str) -> str:
    """The name of a run's figure, its own among all runs, and fit for a file."""
    return f"run-{run.id}-{what}"


def sentence(text: str) -> str:
    """A note, which begins small and ends without a stop, as a sentence."""
    return f"{text[:1].upper()}{text[1:]}."


def called(column: str) -> str:
    """A column of a comparison as a figure: `MAE`, `gender bias`."""
    return head(column) if column == MAE else f"{head(column)} bias"
