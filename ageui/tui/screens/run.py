"""One run: its curves as they grow, how far it is, its groups, config, attempts and log."""

import asyncio
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.widgets import Footer, Static, TabbedContent, TabPane

from ageui.compare.scoring import with_all_intervals
from ageui.compare.settings import setting
from ageui.forecast import predicted_memory
from ageui.score_tables import biases_table, explanations, groups_table, scores_table
from ageui.sentences import gigabytes, memory_sentence
from ageui.states import state_of
from ageui.store import AttemptRow, RunDetail, SplitScores, Store
from ageui.text import clean
from ageui.tui import changes, keys
from ageui.tui.cells import DASH, bar, duration, state_tone, tone_styles
from ageui.tui.chart.keyed import KeyedChart
from ageui.tui.live import LiveScreen
from ageui.tui.machine import DeviceLoad
from ageui.tui.run_actions import copy_command, retry
from ageui.tui.run_curves import AXES, AXIS_NAMES, CURVES, Axis, Course, Curve, Floats, marks_of, series_of
from ageui.tui.screens.explain import ExplainScreen
from ageui.tui.themes import series_color
from ageui.tui.widgets.group_bars import GroupBars
from ageui.tui.widgets.line import Line
from ageui.tui.widgets.log_tail import LogPart, LogTail, read_log
from ageui.tui.widgets.status_bar import StatusBar
from ageui.worker.supervisor import log_file
from engine.config import FLAG_FIELDS
from engine.errors import AgeUIError

_PROGRESS_CELLS = 20
_EPOCHS_SHOWN = 500
_MARKS = (
    "▲ the group with the largest MAE",
    "noise: what chance alone exceeds in one of twenty shuffles of the groups over the images",
)
_HEADLINE = ("backbone", "strategy", "loss", "weights", "optimizer", "lr", "batch", "seed")


@dataclass(frozen=True, eq=False)
class _Found:
    detail: RunDetail
    course: Course
    log: LogPart
    predicted_memory: int | None


class RunScreen(LiveScreen[_Found]):
    """The run of one id, as it is and as it changes."""

    CSS_PATH = "run.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings(keys.RUN)]

    def __init__(self, run_id: int) -> None:
        super().__init__()
        self._run_id = run_id
        self._found: _Found | None = None
        self._curve: Curve = CURVES[0]
        self._axis: Axis = "epoch"
        self._log: LogPart | None = None
        self._points: tuple[int, Floats, Floats] = (-1, np.empty(0), np.empty(0))
        self._loads: tuple[DeviceLoad, ...] = ()
        self._predicted_memory: int | None = None
        self._has_predicted = False
        self._settled: tuple[str, tuple[SplitScores, ...]] = ("", ())
        self._is_resampling = False

    def compose(self) -> ComposeResult:
        yield StatusBar(f"{self.ageui.store.path.name} › run {self._run_id}")
        yield Line(id="headline")
        yield Line(id="progress")
        with Horizontal(id="upper"):
            yield KeyedChart(id="curves")
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
        yield Footer(show_command_palette=False)

    def on_unmount(self) -> None:
        self.ageui.theme_changed_signal.unsubscribe(self)

    def on_mount(self) -> None:
        self.ageui.loads_changed.subscribe(self, self._show_loads)
        self.ageui.theme_changed_signal.subscribe(self, lambda theme: self._draw_curves())
        self.chart.focus()

    @property
    def chart(self) -> KeyedChart:
        return self.query_one(KeyedChart)

    @property
    def is_settled(self) -> bool:
        """Whether what is shown has all its intervals."""
        return self._found is not None and not self._is_resampling

    # Reading

    def read(self, store: Store) -> _Found:
        detail = store.detail(self._run_id)
        attempt, steps, losses = self._points
        if attempt != detail.row.attempt:
            attempt, steps, losses = detail.row.attempt, np.empty(0), np.empty(0)
        after = int(steps[-1]) if len(steps) else -1
        new = store.metric(self._run_id, "step/loss", after)
        if new:
            added = np.array(new, dtype=np.float64)
            steps, losses = np.concatenate([steps, added[:, 0]]), np.concatenate([losses, added[:, 1]])
        self._points = (attempt, steps, losses)
        self._log = read_log(log_file(store, self._run_id, max(1, detail.row.attempt)), self._log)
        course = Course(detail.history, steps, losses, *_pace(detail))
        return _Found(detail, course, self._log, self._predicted(detail))

    def _predicted(self, detail: RunDetail) -> int | None:
        """The predicted peak memory; until the run tells it, what it is worked out from is read once."""
        if detail.predicted_memory_bytes is not None:
            return detail.predicted_memory_bytes
        if not self._has_predicted:
            self._predicted_memory, self._has_predicted = predicted_memory(detail), True
        return self._predicted_memory

    def show(self, found: _Found) -> None:
        before, self._found = self._found, found
        try:
            self._show_parts(found, before)
        except BaseException:
            self._found = before  # nothing that comes later may draw what could not be drawn
            raise
        if found.detail.results and repr(found.detail.results) != self._settled[0] and not self._is_resampling:
            self._is_resampling = True
            self.run_worker(self._settle(found.detail), group="resampling", exit_on_error=False)
        if before is None and found.detail.status in ("failed", "diverged"):
            self.query_one(TabbedContent).active = "log-pane"

    def _show_parts(self, found: _Found, before: _Found | None) -> None:
        """Draws what is not as it was before: beside a run that trains, most parts are."""
        detail, known = found.detail, before.detail if before is not None else None
        self._show_head()
        self._draw_curves()
        self.query_one(LogTail).show_part(found.log)
        if known is None or known.name != detail.name:
            self.query_one(StatusBar).show_about(f"{self.ageui.store.path.name} › {detail.name}")
        if known is None or (known.primary_scores, known.status) != (detail.primary_scores, detail.status):
            self._show_scores(detail)
        if known is None or _what_config_shows(known) != _what_config_shows(detail):
            self.query_one("#config", Static).update(_config(detail))
        if known is None or known.attempts != detail.attempts:
            self.query_one("#attempts", Static).update(_attempts(detail.attempts))
        if known is None or known.history != detail.history:
            self.query_one("#epochs", Static).update(_epochs(detail))

    async def _settle(self, detail: RunDetail) -> None:
        """Computes the intervals that no database has, from the predictions; tried once for the same scores."""
        stored = repr(detail.results)  # which compares those that are no numbers, too
        self._settled = (stored, detail.results)
        try:
            full = await asyncio.to_thread(with_all_intervals, detail, self.ageui.store.split_predictions)
            self._settled = (stored, full.results)
        except AgeUIError as error:
            self.ageui.tell(f"no intervals of groups: {error}", severity="error")
        finally:
            self._is_resampling = False
        if self.is_attached and self._found is not None:
            self._show_scores(self._found.detail)

    def _show_scores(self, detail: RunDetail) -> None:
        """With all intervals, once they are there."""
        stored, settled = self._settled
        if repr(detail.results) == stored:
            detail = replace(detail, results=settled)
        scores = detail.primary_scores
        self.query_one(GroupBars).show(scores, _why_no_scores(detail))
        pane = self.query_one("#groups-pane")
        pane.border_subtitle = "▲ worst  ~ inside noise  E explains" if scores is not None else ""
        pane.border_title = f"MAE by group, {scores.split}" if scores is not None else "MAE by group"
        self.query_one("#scores", Static).update(_scores(detail))

    def action_explain(self) -> None:
        results = self._found.detail.results if self._found is not None else ()
        self.app.push_screen(ExplainScreen([*explanations(results), *_MARKS]))

    def _show_head(self) -> None:
        if self._found is None:
            return
        detail = self._found.detail
        row = detail.row
        styles = tone_styles(self.app.theme_variables)
        head = Text.assemble(
            (state_of(row), styles[state_tone(row.status)]), "  ", (clean(row.name), "bold"), "  ",
            (clean(" · ".join(setting(row.config, name) for name in _HEADLINE)), "dim"),
        )  # fmt: skip
        if row.tags:
            head.append(clean(f"  #{' #'.join(row.tags)}"), style="italic")
        self.query_one("#headline", Line).put(head)
        self.query_one("#progress", Line).put(_progress(detail, self._loads, self._found.predicted_memory))

    def _show_loads(self, loads: tuple[DeviceLoad, ...]) -> None:
        self._loads = loads
        if self.is_current:
            self._show_head()

    # Curves

    def _draw_curves(self) -> None:
        if self._found is None:
            return
        course, detail = self._found.course, self._found.detail
        dark = self.app.current_theme.dark
        colors = (series_color(1, dark=dark), series_color(0, dark=dark))
        planned = detail.config.get("epochs") or ()
        self.chart.show(
            series_of(course, self._curve, self._axis, colors),
            marks_of(course, self._axis, planned, ended=detail.status in ("done", "diverged")),
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

    # What is done with the run

    def action_compare(self) -> None:
        self.ageui.open_comparison((self._run_id,))

    def action_duplicate(self) -> None:
        self.ageui.open_new_run(self._run_id)

    def action_pause(self) -> None:
        self.ageui.change(changes.pause([self._run_id]))

    def action_resume(self) -> None:
        self.ageui.change(changes.resume([self._run_id]))

    def action_cancel(self) -> None:
        self.ageui.change(changes.cancel([self._run_id]))

    def action_retry(self) -> None:
        if self._found is not None:
            retry(self.ageui, self._found.detail.row)

    def action_copy_command(self) -> None:
        if self._found is not None:
            copy_command(self.ageui, self._found.detail.row)

    @on(TabbedContent.TabActivated)
    def _keep_log_at_its_end(self) -> None:
        self.query_one(LogTail).scroll_end(animate=False)


def _pace(detail: RunDetail) -> tuple[float, float]:
    """Steps per epoch and seconds per step, as far as a run that trains tells."""
    summary = detail.row.summary
    steps = (summary.total_steps or 0) / max(1, summary.epochs)
    rate = summary.images_per_second or 0.0
    return max(1.0, steps), float(detail.config.get("batch", 1)) / rate if rate else 1.0


def _progress(detail: RunDetail, loads: tuple[DeviceLoad, ...], predicted: int | None) -> str:
    """How far a run is, how fast, and what its device has to do; or why and when it ended."""
    row, summary = detail.row, detail.row.summary
    took = sum(attempt.seconds or 0.0 for attempt in detail.attempts)
    memory = memory_sentence(predicted, detail.peak_memory_bytes)
    if row.status != "running":
        parts = [f"{summary.epoch or 0}/{summary.epochs} epochs"]
        if took:
            parts.append(f"in {duration(took)}")
        if summary.mae is not None:
            parts.append(f"MAE {summary.mae:.2f} years on {summary.split}{_interval(detail)}")
        if memory:
            parts.append(memory)
        if row.error:
            parts.append(clean(row.error.splitlines()[0]))
        return " · ".join(parts)
    if summary.activity and not summary.step:
        return clean(summary.activity)
    done, total = summary.step or 0, summary.total_steps or 0
    stages = len(detail.config.get("epochs") or ()) or 1
    more = "+" if (summary.stage or 1) < stages else ""
    parts = [
        f"{bar(done, total, _PROGRESS_CELLS)} step {done:,}/{total:,}",
        f"epoch {summary.epoch or 0}/{summary.epochs} ended",
        f"ETA {duration(summary.eta_seconds)}{more}",
        f"{summary.images_per_second:,.0f} images/s" if summary.images_per_second else DASH,
    ]
    device = detail.attempts[-1].device if detail.attempts else None
    parts += [f"{load.name} {load.load:.0%}, {load.memory}" for load in loads if load.name == device]
    if memory:
        parts.append(memory)
    if summary.activity:
        parts.append(clean(summary.activity))
    return " · ".join(parts)


def _interval(detail: RunDetail) -> str:
    scores = detail.primary_scores
    interval = scores.result.mae_interval if scores is not None else None
    return f" ({interval.low:.2f}–{interval.high:.2f})" if interval is not None else ""


def _scores(detail: RunDetail) -> RenderableType:
    """The figures of every split, then the biases and groups of the one that counts."""
    scores = detail.primary_scores
    if scores is None:
        return Text(_why_no_scores(detail), style="dim")
    return Group(scores_table(detail), "", biases_table(scores), "", groups_table(scores))


def _why_no_scores(detail: RunDetail) -> str:
    if detail.status in ("done", "failed", "diverged", "cancelled"):
        return "no scores: the run was not evaluated"
    return f"no scores yet: the run is {detail.status}, and is scored when it has trained"


def _table(*titles: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for title in titles:
        table.add_column(title)
    return table


def _config(detail: RunDetail) -> Table:
    """Every field, as flag or --set; then the command, the data and where it was computed."""
    table = _table("field", "value")
    for name in detail.config:
        flag = f"--{name}" if name in FLAG_FIELDS else f"--set {name}"
        table.add_row(Text(flag), Text(clean(setting(detail.config, name))))
    table.add_row("", "")
    table.add_row("command", Text(clean(detail.command or "this ageui cannot run this config any more")))
    table.add_row("data", Text(clean(f"{detail.data_spec.get('name')} {detail.data_spec.get('path') or ''}")))
    if detail.row.note:
        table.add_row("note", Text(clean(detail.row.note)))
    if detail.manifest:
        manifest = detail.manifest
        table.add_row("computed on", Text(clean(f"{manifest.get('device')}: {manifest.get('placement')}")))
        versions = manifest.get("versions") or {}
        table.add_row("versions", Text(clean(", ".join(f"{name} {version}" for name, version in versions.items()))))
    for file in detail.checkpoints:
        what = "best weights" if file.kind == "best" else "checkpoint"
        table.add_row(what, Text(clean(f"{file.path}, epoch {file.epoch}, sha256 {file.sha256[:16]}…")))
    return table


def _what_config_shows(detail: RunDetail) -> tuple[object, ...]:
    return detail.config, detail.data_spec, detail.row.note, detail.manifest, detail.checkpoints


def _attempts(attempts: tuple[AttemptRow, ...]) -> Table | Text:
    if not attempts:
        return Text("nobody has worked on it yet", style="dim")
    table = _table(
        "attempt", "started", "took", "memory", "on", "after step", "end", "repeated points", "why, and what was noted"
    )
    for attempt in attempts:
        repeated = f"{attempt.replayed:,}, {attempt.differing:,} differ" if attempt.replayed else DASH
        said = "\n".join(filter(None, (attempt.reason, *map(str, attempt.notes))))
        table.add_row(
            str(attempt.number),
            f"{attempt.started_at.astimezone():%m-%d %H:%M:%S}",
            duration(attempt.seconds),
            DASH if attempt.peak_memory_bytes is None else gigabytes(attempt.peak_memory_bytes),
            Text(clean(attempt.worker or "foreground")),
            f"{attempt.step:,}" if attempt.step else "0",
            Text(clean(attempt.outcome or "runs")),
            repeated,
            Text(clean(said, lines=True)),
        )
    return table


def _epochs(detail: RunDetail) -> Table | Text:
    """The newest epochs, the last one first."""
    if not detail.history:
        return Text("no epoch has ended yet", style="dim")
    table = _table("epoch", "stage", "train loss", "val loss", "val MAE", "learning rate", "seconds", "images/s")
    for epoch in reversed(detail.history[-_EPOCHS_SHOWN:]):
        best = " ★" if epoch.is_best else ""
        table.add_row(
            str(epoch.epoch),
            str(epoch.stage),
            f"{epoch.train_loss:.5g}",
            DASH if epoch.val_loss is None else f"{epoch.val_loss:.5g}{best}",
            DASH if epoch.val_mae is None else f"{epoch.val_mae:.2f}",
            f"{epoch.lr:g}",
            f"{epoch.seconds:.2f}",
            f"{epoch.images_per_second:,.0f}",
        )
    if len(detail.history) > _EPOCHS_SHOWN:
        table.add_row(f"… {len(detail.history) - _EPOCHS_SHOWN:,} more: ageui show {detail.row.id} --json")
    return table
