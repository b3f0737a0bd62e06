"""Shows one run: its progress, curves, groups, config, attempts and log."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.widgets import Static, TabbedContent, TabPane

from ageui.compare.differing_settings import setting
from ageui.compare.figure_names import SIGNED_GAP, split_title
from ageui.compare.run_tables import explanations
from ageui.memory.forecast import predicted_memory
from ageui.store import RunDetail, SplitScores, Store
from ageui.text.clean import clean
from ageui.text.states import PUBLISHED, state_of, why_no_scores
from ageui.tui import changes, keys
from ageui.tui.chart.chart import Chart
from ageui.tui.chart.raster import Floats
from ageui.tui.device_loads import DeviceLoad
from ageui.tui.dialogs.explain import ExplainScreen
from ageui.tui.live import LiveScreen
from ageui.tui.messages import OpenComparison, OpenNewRun
from ageui.tui.run.curves import AXES, AXIS_NAMES, CURVES, Axis, Curve, CurveData, event_lines, series_of
from ageui.tui.run.details import (
    attempts_table,
    config_table,
    instead_of_scores,
    newest_epochs,
    progress_line,
    scores_tables,
    what_config_shows,
)
from ageui.tui.run_actions import copy_run_command, retry_run
from ageui.tui.themes import series_color
from ageui.tui.tones import state_tone, tone_styles
from ageui.tui.widgets.group_bars import GroupBars
from ageui.tui.widgets.key_footer import KeyFooter
from ageui.tui.widgets.log_tail import LogPart, LogTail, read_log
from ageui.tui.widgets.status_bar import StatusBar
from ageui.tui.widgets.text_line import TextLine
from ageui.worker.run_files import log_file

_MARKS = (
    "worst: the group with the largest MAE",
    "★ an epoch whose validation loss was the best so far",
    f"signed gap: {SIGNED_GAP}",
)
_HEADLINE = ("backbone", "strategy", "loss", "weights", "optimizer", "lr", "batch", "seed")


@dataclass(frozen=True, eq=False)
class RunSnapshot:
    """A run with its curves, the new part of its log, and its predicted peak memory in bytes."""

    detail: RunDetail
    curves: CurveData
    log: LogPart
    predicted_memory: int | None


class RunScreen(LiveScreen[RunSnapshot]):
    """The run with one id, updated while it trains."""

    CSS_PATH = "screen.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings(keys.RUN), *keys.forwarded(keys.CURVES, "chart")]

    def __init__(self, run_id: int) -> None:
        super().__init__()
        self._run_id = run_id
        self._snapshot: RunSnapshot | None = None
        self._curve: Curve = CURVES[0]
        self._axis: Axis = "epoch"
        self._log: LogPart | None = None
        self._points: tuple[int, Floats, Floats] = (-1, np.empty(0), np.empty(0))
        self._loads: tuple[DeviceLoad, ...] = ()
        self._predicted_memory: int | None = None
        self._has_predicted = False

    def compose(self) -> ComposeResult:
        yield StatusBar(f"{self.app.store.path.name} › run {self._run_id}")
        yield TextLine(id="headline")
        yield TextLine(id="progress")
        with Horizontal(id="upper"):
            yield Chart(id="curves")
            with VerticalScroll(id="groups-pane"):
                yield GroupBars(id="groups")
        with TabbedContent(id="parts"):
            with TabPane("Log", id="log-pane"):
                yield LogTail(id="log")
            with TabPane("Scores", id="scores-pane"), VerticalScroll():
                yield Static(id="scores", markup=False)
            with TabPane("Config", id="config-pane"), VerticalScroll():
                yield Static(id="config", markup=False)
            with TabPane("Attempts", id="attempts-pane"), VerticalScroll():
                yield Static(id="attempts", markup=False)
            with TabPane("Epochs", id="epochs-pane"), VerticalScroll():
                yield Static(id="epochs", markup=False)
        yield KeyFooter()

    def on_mount(self) -> None:
        self.app.loads_changed.subscribe(self, self._show_loads)
        self.app.theme_changed_signal.subscribe(self, lambda theme: self._draw_curves())
        self.chart.focus()

    @property
    def chart(self) -> Chart:
        return self.query_one(Chart)

    # Reading

    def read(self, store: Store) -> RunSnapshot:
        detail = store.runs.detail(self._run_id)
        attempt, steps, losses = self._points
        is_older = len(steps) > 0 and (detail.row.summary.step or 0) < steps[-1]
        if attempt != detail.row.attempt or is_older:  # its points may be gone, or those of an earlier attempt
            attempt, steps, losses = detail.row.attempt, np.empty(0), np.empty(0)
        after = int(steps[-1]) if len(steps) else -1
        new = store.runs.metric(self._run_id, "step/loss", after)
        if new:
            added = np.array(new, dtype=np.float64)
            steps, losses = np.concatenate([steps, added[:, 0]]), np.concatenate([losses, added[:, 1]])
        self._points = (attempt, steps, losses)
        self._log = read_log(log_file(store, self._run_id, max(1, detail.row.attempt)), self._log)
        curves = CurveData(detail.history, steps, losses, *_pace(detail))
        return RunSnapshot(detail, curves, self._log, self._predicted(detail))

    def _predicted(self, detail: RunDetail) -> int | None:
        """The predicted peak memory, in bytes: the run's own prediction, else one computed once."""
        if detail.predicted_memory_bytes is not None or detail.row.is_published:
            return detail.predicted_memory_bytes
        if not self._has_predicted:
            self._predicted_memory, self._has_predicted = predicted_memory(detail), True
        return self._predicted_memory

    def show(self, snapshot: RunSnapshot) -> None:
        before, self._snapshot = self._snapshot, snapshot
        try:
            self._show_parts(snapshot, before)
        except BaseException:
            self._snapshot = before  # later redraws must not repeat the failure
            raise
        if before is None:
            self._begin_with(snapshot.detail)

    def _begin_with(self, detail: RunDetail) -> None:
        """Opens the most relevant part: the log of a failed run, the figures and settings of a published one."""
        if detail.row.is_published:
            self.add_class("-published")
            self.query_one("#groups-pane").focus()
            self.query_one(TabbedContent).active = "config-pane"
        elif detail.status in ("failed", "diverged"):
            self.query_one(TabbedContent).active = "log-pane"

    def _show_parts(self, snapshot: RunSnapshot, before: RunSnapshot | None) -> None:
        """Redraws only the parts that changed, which are few while a run trains."""
        detail, known = snapshot.detail, before.detail if before is not None else None
        self._show_head()
        self._draw_curves()
        self.query_one(LogTail).show_part(snapshot.log)
        if known is None or known.name != detail.name:
            self.query_one(StatusBar).show_about(f"{self.app.store.path.name} › {detail.name}")
        if known is None or (known.results, known.status) != (detail.results, detail.status):
            self._show_scores(detail)
        if known is None or what_config_shows(known) != what_config_shows(detail):
            self.query_one("#config", Static).update(config_table(detail))
        if known is None or known.attempts != detail.attempts:
            self.query_one("#attempts", Static).update(attempts_table(detail))
        if known is None or known.history != detail.history:
            self.query_one("#epochs", Static).update(newest_epochs(detail))

    def _show_scores(self, detail: RunDetail) -> None:
        scores = detail.primary_scores
        self.query_one(GroupBars).show(scores, instead_of_scores(detail))
        pane = self.query_one("#groups-pane")
        pane.border_subtitle = _marks_line(scores)
        title = "published figures" if detail.row.is_published else "MAE by group"
        pane.border_title = f"{title}, {split_title(scores)}" if scores is not None else title
        self.query_one("#scores", Static).update(scores_tables(detail))

    def action_explain(self) -> None:
        if self._snapshot is None:
            return
        detail = self._snapshot.detail
        published = [f"{PUBLISHED}: {why_no_scores(detail.row)}"] if detail.row.is_published else []
        self.app.push_screen(ExplainScreen([*published, *explanations(detail), *_MARKS]))

    def _show_head(self) -> None:
        if self._snapshot is None:
            return
        detail = self._snapshot.detail
        row = detail.row
        styles = tone_styles(self.app.theme_variables)
        head = Text.assemble(
            (state_of(row), styles[state_tone(row.status)]), "  ", (clean(row.name), "bold"), "  ",
            (clean(" · ".join(setting(row.config, name) for name in _HEADLINE)), "dim"),
        )  # fmt: skip
        if row.tags:
            head.append(clean(f"  #{' #'.join(row.tags)}"), style="italic")
        self.query_one("#headline", TextLine).put(head)
        self.query_one("#progress", TextLine).put(progress_line(detail, self._loads, self._snapshot.predicted_memory))

    def _show_loads(self, loads: tuple[DeviceLoad, ...]) -> None:
        self._loads = loads
        if self.is_current:
            self._show_head()

    # Curves

    def _draw_curves(self) -> None:
        if self._snapshot is None:
            return
        curves, detail = self._snapshot.curves, self._snapshot.detail
        dark = self.app.current_theme.dark
        colors = (series_color(1, dark=dark), series_color(0, dark=dark))
        planned = detail.config.get("epochs") or ()
        self.chart.show(
            series_of(curves, self._curve, self._axis, colors),
            event_lines(curves, self._axis, planned, ended=detail.status in ("done", "diverged")),
            x_name=AXIS_NAMES[self._axis],
            y_name=self._curve.y_name,
            x_kind="seconds" if self._axis == "time" else "number",
        )
        self.chart.border_title = f"{self._curve.title} by {AXIS_NAMES[self._axis]}"

    def action_next_curve(self) -> None:
        self._curve = CURVES[(CURVES.index(self._curve) + 1) % len(CURVES)]
        self._draw_curves()

    def action_next_axis(self) -> None:
        self._axis = AXES[(AXES.index(self._axis) + 1) % len(AXES)]
        self.chart.action_zoom_reset()
        self._draw_curves()

    # Actions

    def action_compare(self) -> None:
        self.post_message(OpenComparison((self._run_id,)))

    def action_duplicate(self) -> None:
        self.post_message(OpenNewRun(self._run_id))

    def action_pause(self) -> None:
        self.app.change(changes.pause([self._run_id]))

    def action_resume(self) -> None:
        self.app.change(changes.resume([self._run_id]))

    def action_cancel(self) -> None:
        self.app.change(changes.cancel([self._run_id]))

    def action_retry(self) -> None:
        if self._snapshot is not None:
            retry_run(self.app, self._snapshot.detail.row)

    @work(group="changes", exit_on_error=False)
    async def action_copy_command(self) -> None:
        await copy_run_command(self.app, self._run_id)

    @on(TabbedContent.TabActivated)
    def _keep_log_at_its_end(self) -> None:
        self.query_one(LogTail).scroll_end(animate=False)


def _marks_line(scores: SplitScores | None) -> str:
    """The marks of the groups, or that they wait for their intervals and tests; empty without scores."""
    if scores is None:
        return ""
    return "to be scored again  E explains" if scores.is_stale else "~ inside noise  E explains"


def _pace(detail: RunDetail) -> tuple[float, float]:
    """Steps per epoch and seconds per step, as a running run reports them; 1.0 if unknown."""
    summary = detail.row.summary
    steps = (summary.total_steps or 0) / max(1, summary.epochs)
    rate = summary.images_per_second or 0.0
    return max(1.0, steps), float(detail.config.get("batch", 1)) / rate if rate else 1.0
