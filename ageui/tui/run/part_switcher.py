"""The part of a run's screen behind the chosen digit: scores, errors, config, log, attempts or epochs."""

from rich.style import Style
from rich.text import Text
from textual import getters
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import ContentSwitcher

from ageui.compare.figure_names import split_title
from ageui.store import SplitScores
from ageui.text.clean import clean
from ageui.tui.base_app import BaseApp
from ageui.tui.chart.scatter_chart import ScatterChart
from ageui.tui.run.details import (
    attempts_text,
    config_table,
    newest_epochs,
    scores_tables,
    what_config_shows,
    why_no_errors,
    why_no_log,
)
from ageui.tui.run.error_plots import error_by_age, errors_title, predicted_by_age
from ageui.tui.run.header import kept_epoch, scored_epoch
from ageui.tui.run.parts import OF_PREDICTIONS, PARTS, more_of
from ageui.tui.run.reader import RunSnapshot
from ageui.tui.run.worst_errors import WorstErrors
from ageui.tui.themes import series_color
from ageui.tui.widgets.fitted_text import Fit, FittedText
from ageui.tui.widgets.group_dots import GroupDots
from ageui.tui.widgets.log_tail import LogTail
from ageui.tui.widgets.plain_text import PlainText

_ERROR_TITLES = {"scatter": "predicted by true age", "by-age": "signed error by age", "worst": "largest errors first"}


class PartSwitcher(ContentSwitcher):
    """Shows one part at a time, or why it is empty. Draws only the visible part, and only if its contents changed."""

    app = getters.app(BaseApp)

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, initial=PARTS[0].key)
        self._drawn: dict[str, object] = {}

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="scores"):
            yield GroupDots(id="own-groups")
            yield FittedText(id="score-tables")
        yield ScatterChart(id="scatter")
        with VerticalScroll(id="by-age"):
            yield FittedText(id="error-by-age")
        yield WorstErrors(id="worst")
        yield PlainText(id="no-errors")
        with VerticalScroll(id="config"):
            yield FittedText(id="config-table")
        yield LogTail(id="log")
        yield PlainText(id="no-log")
        with VerticalScroll(id="attempts"):
            yield FittedText(id="attempts-text")
        with VerticalScroll(id="epochs"):
            yield FittedText(id="epochs-table")

    @property
    def is_empty_log(self) -> bool:
        return self.current == "no-log"

    def show(self, part: str, snapshot: RunSnapshot, scores: SplitScores | None) -> None:
        """Shows a part, with the scores of the chosen split."""
        detail = snapshot.detail
        self.border_title = Text(clean(_title(part, snapshot, scores)))
        self.border_subtitle = Text(more_of(PARTS, part))
        match part:
            case "scores":
                self._put(
                    "score-tables", (detail.results, detail.status, scores), lambda _: scores_tables(detail, scores)
                )
            case "config":
                self._put("config-table", what_config_shows(detail), lambda _: config_table(detail))
            case "attempts":
                self._put("attempts-text", detail.attempts, lambda _: attempts_text(detail))
            case "epochs":
                kept = kept_epoch(detail)
                self._put("epochs-table", (detail.history, kept), lambda width: newest_epochs(detail, kept, width))
            case "log":
                self.query_one("#no-log", PlainText).put(why_no_log(detail))
                part = "log" if self.query_one(LogTail).has_lines else "no-log"
            case _:
                part = part if self._draw_errors(part, snapshot, scores) else "no-errors"
        self.current = part

    def _draw_errors(self, part: str, snapshot: RunSnapshot, scores: SplitScores | None) -> bool:
        """Draws a part of errors of single images. Returns False without such errors."""
        errors = snapshot.errors if snapshot.errors_of == scores else None
        if errors is None:
            is_read = snapshot.errors_of == scores
            why = why_no_errors(snapshot.detail, scores) if is_read else "reading predictions …"
            self.query_one("#no-errors", PlainText).put(why)
            return False
        match part:
            case "scatter":
                theme = self.app.current_theme
                if self._drawn.get("scatter") != (errors, theme):
                    self._drawn["scatter"] = errors, theme
                    chart, dots = self.query_one(ScatterChart), Style(color=series_color(0, dark=theme.dark))
                    chart.show(predicted_by_age(errors, dots, chart.line_style))
            case "by-age":
                self._put("error-by-age", errors, lambda width: error_by_age(errors, width))
            case _:
                self.query_one(WorstErrors).show(errors)
        return True

    def _put(self, name: str, contents: object, fit: Fit) -> None:
        if name not in self._drawn or self._drawn[name] != contents:
            self._drawn[name] = contents
            self.query_one(f"#{name}", FittedText).fit(fit)


def _title(part: str, snapshot: RunSnapshot, scores: SplitScores | None) -> str:
    title = next(one.title for one in PARTS if one.key == part)
    if part in _ERROR_TITLES and snapshot.errors is not None and snapshot.errors_of == scores:
        return errors_title(_ERROR_TITLES[part], snapshot.errors)
    if part in ("scores", *OF_PREDICTIONS) and scores is not None:
        return f"{title}, {split_title(scores)}"
    if part == "scores" and (epoch := scored_epoch(snapshot.detail)) is not None:
        return f"{title}, epoch {epoch.epoch}, valid"
    attempt = snapshot.detail.row.attempt
    return f"{title} of attempt {attempt}" if part == "log" and attempt > 1 else title
