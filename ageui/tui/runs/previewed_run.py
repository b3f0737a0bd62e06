"""A run in brief: state, settings, figures, validation MAE by epoch, groups, note and error."""

import numpy as np
from rich.text import Text
from textual import events, getters
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Static

from ageui.store import RunDetail
from ageui.text.clean import clean
from ageui.text.states import why_no_scores
from ageui.tui.base_app import BaseApp
from ageui.tui.chart.chart import Chart
from ageui.tui.run.curves import CURVES, CurveData, event_lines, series_of
from ageui.tui.run.header import Head, scored_epoch
from ageui.tui.themes import series_color
from ageui.tui.tones import tone_styles
from ageui.tui.widgets.fitted_text import FittedText
from ageui.tui.widgets.group_dots import GroupDots, GroupErrors

_CURVES = tuple(curve for curve in CURVES if curve.key in ("val_mae", "bias"))


class _StillChart(Chart, can_focus=False):
    """A chart without keys, over which the wheel scrolls the preview."""

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.prevent_default()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.prevent_default()


class PreviewedRun(Vertical):
    """`show` replaces the run."""

    app = getters.app(BaseApp)

    DEFAULT_CSS = """
    PreviewedRun {
        height: auto;
        & FittedText, & GroupDots { padding: 0 1; }
        & Chart { height: 10; margin: 1 1 0 1; }
        & GroupDots { margin: 1 0 0 0; }
        & #preview-words { height: auto; padding: 0 1; margin: 1 0 0 0; color: $text-muted; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._shown: tuple[RunDetail | None, str] = None, ""

    def compose(self) -> ComposeResult:
        yield FittedText(id="preview-head")
        for curve in _CURVES:
            yield _StillChart(id=f"preview-{curve.key}")
        yield GroupDots()
        yield Static(id="preview-words", markup=False)

    def show(self, detail: RunDetail | None, waiting: str) -> None:
        """Shows a run, and why it waits; None shows nothing."""
        if (detail, waiting) == self._shown:
            return
        self._shown = detail, waiting
        self.display = detail is not None
        if detail is not None:
            with self.app.batch_update():
                head = Head(detail, detail.primary_scores, waiting, (), "")
                self.query_one("#preview-head", FittedText).fit(
                    lambda width: Text("\n").join(head.lines(width, tone_styles(self.app.theme_variables)))
                )
                self._show_curves(detail)
                self._show_groups(detail)
                words = _words(detail)
                self.query_one("#preview-words").display = bool(words)
                self.query_one("#preview-words", Static).update(words)

    def _show_curves(self, detail: RunDetail) -> None:
        has_ended, dark = detail.status in ("done", "diverged"), self.app.current_theme.dark
        data = CurveData(detail.history, np.empty(0), np.empty(0), kept=detail.kept_epoch, has_ended=has_ended)
        colors = series_color(1, dark=dark), series_color(0, dark=dark)
        planned = detail.config.get("epochs") or ()
        for curve in _CURVES:
            chart = self.query_one(f"#preview-{curve.key}", Chart)
            series = series_of(data, curve, "epoch", colors)
            chart.display = bool(series)
            if series:
                lines = event_lines(data, curve, "epoch", planned)
                chart.show(series, lines, x_name="epoch", y_name=f"{curve.title}, years")

    def _show_groups(self, detail: RunDetail) -> None:
        epoch = scored_epoch(detail)
        scores = detail.primary_scores or (epoch.scores if epoch is not None else None)
        groups, is_published = self.query_one(GroupDots), detail.row.is_published
        groups.display = scores is not None or is_published  # else the head says why scores are missing
        why = Text(clean(why_no_scores(detail.row)), style="dim")
        groups.show(GroupErrors(scores) if scores is not None else None, why)


def _words(detail: RunDetail) -> Text:
    """The note, and the reason of the end if the run is not done."""
    row, text = detail.row, Text()
    for title, said in (("note", row.note), ("why", row.error if row.status not in ("queued", "running") else None)):
        if said:
            text.append("\n" if text else "").append(f"{title}  ", style="bold").append(clean(said, lines=True))
    return text
