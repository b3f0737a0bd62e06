"""Reads the contents of a run's screen in a thread: only news, and predictions only if they are visible."""

from dataclasses import dataclass

import numpy as np

from ageui.memory.expected_memory import peak_to_come
from ageui.store import RunDetail, SplitScores, Store
from ageui.tui.chart.raster import Floats
from ageui.tui.run.curves import CurveData
from ageui.tui.run.details import image_folder
from ageui.tui.run.split_errors import SplitErrors
from ageui.tui.widgets.log_tail import LogPart, read_log
from ageui.worker.run_files import log_file


@dataclass(frozen=True, eq=False)
class RunSnapshot:
    """A run with its curves, the new part of its log, and a sentence about its expected peak memory.

    `errors` are those of single images behind the scores `errors_of`, the newest requested; None if no predictions are
    stored.
    """

    detail: RunDetail
    curves: CurveData
    log: LogPart
    memory: str
    errors_of: SplitScores | None
    errors: SplitErrors | None

    def scores(self, split: str) -> SplitScores | None:
        """The scores on a split, else the most important scores."""
        return self.detail.scores(split) or self.detail.primary_scores


class RunReader:
    """Reads a run repeatedly. `split` is the chosen split; predictions are read if `wants_errors`."""

    def __init__(self, run_id: int) -> None:
        self.split = ""
        self.wants_errors = False
        self._run_id = run_id
        self._log: LogPart | None = None
        self._points: tuple[int, Floats, Floats] = (-1, np.empty(0), np.empty(0))
        self._memory: str | None = None
        self._errors: tuple[SplitScores | None, SplitErrors | None] = None, None

    def read(self, store: Store) -> RunSnapshot:
        """Raises `AgeUIError`, also if the run was deleted."""
        detail = store.runs.detail(self._run_id)
        attempt, steps, losses = self._points
        is_older = len(steps) > 0 and (detail.row.summary.step or 0) < steps[-1]
        if attempt != detail.row.attempt or is_older:  # its points may be gone or be an earlier attempt's
            attempt, steps, losses = detail.row.attempt, np.empty(0), np.empty(0)
        after = int(steps[-1]) if len(steps) else -1
        new = store.runs.metric(self._run_id, "step/loss", after)
        if new:
            added = np.array(new, dtype=np.float64)
            steps, losses = np.concatenate([steps, added[:, 0]]), np.concatenate([losses, added[:, 1]])
        self._points = (attempt, steps, losses)
        self._log = read_log(log_file(store, self._run_id, max(1, detail.row.attempt)), self._log)
        has_ended = detail.status in ("done", "diverged")
        curves = CurveData(detail.history, steps, losses, *_pace(detail), detail.kept_epoch, has_ended)
        self._read_errors(store, detail)
        if self._memory is None or detail.peak_memory_bytes is not None:
            self._memory = peak_to_come(store, detail)
        return RunSnapshot(detail, curves, self._log, self._memory, *self._errors)

    def _read_errors(self, store: Store, detail: RunDetail) -> None:
        scores = detail.scores(self.split) or detail.primary_scores
        if not self.wants_errors or scores == self._errors[0]:
            return
        predictions = store.scores.predictions(self._run_id, scores.split) if scores is not None else None
        errors = None
        if scores is not None and predictions is not None:
            errors = SplitErrors.of(scores, predictions, image_folder(detail, scores))
        self._errors = scores, errors


def _pace(detail: RunDetail) -> tuple[float, float]:
    """Steps per epoch and seconds per step, as a running run reports them; 1.0 if unknown."""
    summary = detail.row.summary
    steps = (summary.total_steps or 0) / max(1, summary.epochs)
    rate = summary.images_per_second or 0.0
    return max(1.0, steps), float(detail.config.get("batch", 1)) / rate if rate else 1.0
