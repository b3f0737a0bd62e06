"""Shows one run: its state, figures, curves, groups, errors, config, log and attempts."""

from typing import ClassVar, Literal

from rich.style import Style
from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll

from ageui.compare.figure_names import split_title
from ageui.compare.run_tables import explanations
from ageui.present.table import Tone
from ageui.store import RunDetail, SplitScores, Store
from ageui.text.clean import clean
from ageui.text.states import state_of, why_no_scores
from ageui.tui import changes, keys
from ageui.tui.chart.chart import Chart
from ageui.tui.chart.dot_plot import REFERENCE
from ageui.tui.device_loads import DeviceLoad
from ageui.tui.dialogs.explain import ExplainScreen
from ageui.tui.live import LiveScreen
from ageui.tui.messages import OpenComparison, OpenNewRun
from ageui.tui.queue_state import QueueState, waiting_text
from ageui.tui.run import parts
from ageui.tui.run.curves import AXES, AXIS_NAMES, CURVES, Axis, event_lines, series_of
from ageui.tui.run.details import why_no_points
from ageui.tui.run.header import Head, scored_epoch
from ageui.tui.run.part_line import PartLine
from ageui.tui.run.part_switcher import PartSwitcher
from ageui.tui.run.reader import RunReader, RunSnapshot
from ageui.tui.run_actions import copy_run_command, retry_run
from ageui.tui.themes import series_color
from ageui.tui.tones import tone_styles
from ageui.tui.widgets.group_dots import GroupDots, GroupErrors
from ageui.tui.widgets.key_footer import KeyFooter
from ageui.tui.widgets.log_tail import LogTail
from ageui.tui.widgets.plain_text import PlainText
from ageui.tui.widgets.status_bar import StatusBar
from ageui.tui.widgets.text_line import TextLine

_BESIDE_FROM, _STACKED_FROM = 120, 32
"""The widths from which groups are beside the curves, and the heights from which a part is below them."""
_MARKS = (
    "worst: the group with the largest MAE   ├─●─┤ an MAE with its 95% interval, ‹ › where that is cut   "
    f"{REFERENCE} the MAE of all images",
    "kept: the epoch whose weights are scored   ★ in the table of epochs: the best of the column",
)
_ALLOWED_IN = {
    "pause": ("queued", "running"),
    "resume": ("paused", "interrupted"),
    "cancel": ("queued", "running", "paused", "interrupted"),
    "retry": ("failed", "cancelled", "interrupted", "diverged"),
}
"""The states of a run in which a key does something."""


class RunScreen(LiveScreen[RunSnapshot]):
    """A run, updated while it trains.

    A wide terminal shows curves, the groups beside them and a part below them; a small one shows a curve or a part.
    """

    CSS_PATH = "screen.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings(keys.RUN), *keys.forwarded(keys.CURVES, "chart")]

    def __init__(self, run_id: int) -> None:
        super().__init__()
        self._run_id = run_id
        self._reader = RunReader(run_id)
        self._snapshot: RunSnapshot | None = None
        self._curve = parts.CURVES[0].key
        self._part = parts.PARTS[0].key
        self._main: Literal["curve", "part"] = "curve"
        self._is_full = False
        self._axis: Axis = "epoch"
        self._split = ""
        self._loads: tuple[DeviceLoad, ...] = ()
        self.chart = Chart(id="curves")
        self._allowed: tuple[object, ...] = ()

    def compose(self) -> ComposeResult:
        yield StatusBar(f"run {self._run_id}")
        with Vertical(id="head"):
            yield TextLine(id="state")
            yield TextLine(id="settings")
            yield TextLine(id="figures")
        with Horizontal(id="body"):
            with Vertical(id="left"):
                yield self.chart
                yield PlainText(id="no-points")
                yield PartSwitcher(id="parts")
            with VerticalScroll(id="groups-pane"):
                yield GroupDots(id="groups")
        yield PartLine(id="part-line")
        yield KeyFooter()

    def on_mount(self) -> None:
        self.app.loads_changed.subscribe(self, self._show_loads)
        self.app.queue_changed.subscribe(self, self._show_queue)
        self.app.theme_changed_signal.subscribe(self, lambda theme: self._draw_all())
        self._arrange()

    def on_resize(self) -> None:
        self._arrange()
        self._draw_head()

    # Reading

    def prepare(self) -> None:
        self._reader.split = self._split
        self._reader.wants_errors = self._part in parts.OF_PREDICTIONS and self._shows_part

    def read(self, store: Store) -> RunSnapshot:
        return self._reader.read(store)

    def show(self, snapshot: RunSnapshot) -> None:
        before, self._snapshot = self._snapshot, snapshot
        try:
            if before is None:
                self._begin_with(snapshot)
            if before is None or before.detail.name != snapshot.detail.name:
                self.query_one(StatusBar).show_about(snapshot.detail.name)
            self.query_one(LogTail).show_part(snapshot.log)
            self._draw_all()
        except BaseException:
            self._snapshot = before  # later redraws must not repeat the failure
            raise

    def _begin_with(self, snapshot: RunSnapshot) -> None:
        """Opens ended runs on their scores, and running runs on the log below their curves."""
        detail = snapshot.detail
        if detail.status in ("failed", "diverged"):
            self._part, self._main = "log", "part"
        elif detail.row.is_published or detail.primary_scores is not None:
            self._part, self._main = "scores", "part"
        elif detail.status == "queued":
            self._part, self._main = "config", "part"
        else:
            self._part, self._main = "log", "curve" if detail.history or len(snapshot.curves.steps) else "part"

    # Arrangement

    @property
    def _is_stacked(self) -> bool:
        return self.size.height >= _STACKED_FROM and not self._is_full

    @property
    def _shows_curve(self) -> bool:
        return (self._is_stacked and self._may_have_curves) or self._main == "curve"

    @property
    def _shows_part(self) -> bool:
        return self._is_stacked or self._main == "part"

    @property
    def _is_published(self) -> bool:
        return self._snapshot is not None and self._snapshot.detail.row.is_published

    @property
    def _may_have_curves(self) -> bool:
        return not self._is_published or (self._snapshot is not None and bool(self._snapshot.detail.history))

    def _arrange(self) -> None:
        """Shows the parts that fit."""
        has_points = any(len(one.x) for one in self.chart.series)
        is_beside = self.size.width >= _BESIDE_FROM and not self._is_full and not self._is_published
        self.chart.display = self._shows_curve and has_points
        self.query_one("#no-points").display = self._shows_curve and not has_points
        self.query_one("#groups-pane").display = is_beside
        self.query_one("#own-groups").display = not is_beside and self._group_errors is not None
        switcher = self.query_one(PartSwitcher)
        switcher.display = self._shows_part
        self.query_one("#left").set_class(self._shows_part and has_points and switcher.is_empty_log, "-no-log")
        self.query_one("#left").set_class(self._shows_part and not has_points, "-no-points")
        shares = self._shows_part and self._shows_curve and has_points
        self.query_one("#left").set_class(shares and switcher.current == "log", "-log")
        menu = [parts.Part("curves", "1-4", "curves"), *parts.menu(parts.PARTS, self._part)]
        self.query_one(PartLine).show(menu, self._part if self._shows_part else "curves")
        detail = self._snapshot.detail if self._snapshot is not None else None
        allowed = self.chart.display, detail and (detail.status, len(detail.results))
        if allowed != self._allowed:
            self._allowed = allowed
            self.refresh_bindings()

    def _chart_in_sight(self) -> Chart | None:
        return self.chart if self.chart.display else None

    def _focus_part(self) -> None:
        """Routes scroll keys to the visible part."""
        pane = self.query_one(PartSwitcher).visible_content if self._shows_part else self.query_one("#groups-pane")
        self.set_focus(pane if pane is not None and pane.focusable else None)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if self._snapshot is not None and action in ("next_split", *_ALLOWED_IN):
            detail = self._snapshot.detail
            return len(detail.results) > 1 if action == "next_split" else detail.status in _ALLOWED_IN[action]
        return super().check_action(action, parameters)

    def action_curve(self, digit: str) -> None:
        self._curve = parts.chosen(parts.CURVES, digit, self._curve, is_shown=self._shows_curve)
        self._main = "curve"
        self._draw_all()
        self._focus_part()

    def action_part(self, digit: str) -> None:
        self._part = parts.chosen(parts.PARTS, digit, self._part, is_shown=self._shows_part)
        self._main = "part"
        self._draw_all()
        self._focus_part()
        self.query_one(LogTail).scroll_end(animate=False)
        self.refresh_soon()  # reads what only this part shows

    @on(PartLine.Clicked)
    def _open_clicked(self, event: PartLine.Clicked) -> None:
        if event.digit == "1-4":
            self._main = "curve"
            self._draw_all()
        else:
            self.action_part(event.digit)

    def action_toggle_full(self) -> None:
        self._is_full = not self._is_full
        self._draw_all()
        self._focus_part()

    def action_next_split(self) -> None:
        if self._snapshot is not None and (scores := self._scores) is not None:
            splits = [one.split for one in self._snapshot.detail.results]
            self._split = splits[(splits.index(scores.split) + 1) % len(splits)]
            self._draw_all()
            self.refresh_soon()

    def action_next_axis(self) -> None:
        self._axis = AXES[(AXES.index(self._axis) + 1) % len(AXES)]
        self.chart.action_zoom_reset()
        self._draw_all()

    # Drawing

    @property
    def _scores(self) -> SplitScores | None:
        return self._snapshot.scores(self._split) if self._snapshot is not None else None

    @property
    def _group_errors(self) -> GroupErrors | None:
        """The groups of the chosen split, else those of the newest epoch."""
        if (scores := self._scores) is not None:
            return GroupErrors(scores)
        epoch = scored_epoch(self._snapshot.detail) if self._snapshot is not None else None
        return GroupErrors(epoch.scores) if epoch is not None and epoch.scores is not None else None

    def _draw_all(self) -> None:
        if self._snapshot is not None:
            self._draw_head()
            self._draw_curves(self._snapshot)
            self._draw_groups(self._snapshot.detail)
            self.query_one(PartSwitcher).show(self._part, self._snapshot, self._scores)
            self._arrange()

    def _draw_head(self) -> None:
        if (snapshot := self._snapshot) is None:
            return
        head = Head(snapshot.detail, self._scores, self._waiting, self._loads, snapshot.memory)
        width = self.size.width - 2
        for name, line in zip(("state", "settings", "figures"), head.lines(width, self._tones), strict=True):
            self.query_one(f"#{name}", TextLine).put(line)

    @property
    def _tones(self) -> dict[Tone, Style]:
        return tone_styles(self.app.theme_variables)

    @property
    def _waiting(self) -> str:
        return waiting_text(self.app.queue_state, self._run_id)

    def _show_queue(self, state: QueueState) -> None:
        if self.is_current and self._snapshot is not None and self._snapshot.detail.status == "queued":
            self._draw_all()

    def _show_loads(self, loads: tuple[DeviceLoad, ...]) -> None:
        self._loads = loads
        if self.is_current:
            self._draw_head()

    def _draw_curves(self, snapshot: RunSnapshot) -> None:
        detail, dark = snapshot.detail, self.app.current_theme.dark
        curve = next(curve for curve in CURVES if curve.key == self._curve)
        planned = detail.config.get("epochs") or ()
        self.chart.show(
            series_of(
                snapshot.curves, curve, self._axis, [series_color(place, dark=dark) for place in (1, 0, 2, 3, 4)]
            ),
            event_lines(snapshot.curves, curve, self._axis, planned),
            x_name=AXIS_NAMES[self._axis],
            y_name=curve.y_name,
            x_kind="seconds" if self._axis == "time" else "number",
        )
        for widget in (self.chart, self.query_one("#no-points")):
            widget.border_title = _curve_menu(self._curve)
            widget.border_subtitle = Text(f"{curve.title} by {AXIS_NAMES[self._axis]}")
        why = why_no_points(detail, curve.title, self._waiting)
        self.query_one("#no-points", PlainText).put(why)

    def _draw_groups(self, detail: RunDetail) -> None:
        errors, scores = self._group_errors, self._scores
        for name in ("#groups", "#own-groups"):
            self.query_one(name, GroupDots).show(errors, Text(clean(why_no_scores(detail.row)), style="dim"))
        epoch = scored_epoch(detail)
        of = split_title(scores) if scores is not None else f"epoch {epoch.epoch}, valid" if epoch is not None else ""
        pane = self.query_one("#groups-pane")
        pane.border_title = Text(clean(f"MAE by group, {of}" if of else "MAE by group"))
        is_stale = scores is not None and scores.is_stale
        pane.border_subtitle = Text(
            "to be scored again" if is_stale else "~ inside noise  E explains" if scores else ""
        )

    # Actions

    def action_explain(self) -> None:
        if self._snapshot is None:
            return
        detail = self._snapshot.detail
        published = [f"{state_of(detail.row)}: {why_no_scores(detail.row)}"] if detail.row.is_published else []
        self.app.push_screen(ExplainScreen([*published, *explanations(detail), *_MARKS]))

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


def _curve_menu(current: str) -> Text:
    """The digits of the curves, the current digit bold."""
    menu = parts.menu(parts.CURVES, current)
    return Text("  ").join(
        Text(f"{part.digit} {part.title}", "bold reverse" if part.key == current else "") for part in menu
    )
