"""Compares runs side by side: their settings, figures, groups, curves and plots."""

import asyncio
from dataclasses import replace
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.widgets import Static

from ageui.compare import CONSTANT, ComparedRow, Comparison, ComparisonCache
from ageui.compare.measures import SETTING, measure_names, measure_title, sorted_by
from ageui.store import Store
from ageui.text.clean import clean
from ageui.tui import keys
from ageui.tui.compare.cells import Order, PlottedRows, RunLooks
from ageui.tui.compare.column_form import column_form
from ageui.tui.compare.compared_runs import (
    ComparisonSnapshot,
    ComparisonView,
    compare_runs,
    next_baseline,
    read_comparison,
    run_state,
    with_next_further,
    with_next_groups,
)
from ageui.tui.compare.comparison_file import export_by_dialog
from ageui.tui.compare.pictures import PictureKind, Pictures
from ageui.tui.compare.remarks import about_comparison, about_row, explained, legend_of
from ageui.tui.compare.row_form import row_form
from ageui.tui.compare.run_picker import RunPicker
from ageui.tui.debounce import Debounce
from ageui.tui.dialogs.explain import ExplainScreen
from ageui.tui.dialogs.prompts import Answer, ChoicePrompt
from ageui.tui.interval_job import IntervalJob
from ageui.tui.live import LiveScreen
from ageui.tui.messages import MOST_COMPARED, OpenRun
from ageui.tui.themes import places_of
from ageui.tui.widgets.key_footer import KeyFooter
from ageui.tui.widgets.side_by_side import SideBySide
from ageui.tui.widgets.status_bar import StatusBar
from ageui.tui.widgets.text_line import TextLine

_ROWS_FROM = 5
_BESIDE_FROM, _PICTURE_CELLS = 150, 48
_BOTH_FROM, _PICTURE_LINES, _OTHER_LINES = 32, 9, 6
_CHOSEN_ORDER = "chosen"


class CompareScreen(LiveScreen[ComparisonSnapshot]):
    """Shows figures at once; intervals of differences follow from a thread, unless the view changes meanwhile."""

    CSS_PATH = "screen.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        *keys.bindings(keys.COMPARE),
        *keys.forwarded(keys.CURVES, "chart"),
        # For a plot without the table, which would take these keys.
        Binding("up,k", "move(-1)", show=False),
        Binding("down,j", "move(1)", show=False),
    ]

    def __init__(self, run_ids: tuple[int, ...]) -> None:
        super().__init__()
        ids = tuple(dict.fromkeys(run_ids))[:MOST_COMPARED]
        self._view = ComparisonView(ids, baseline=str(ids[0]) if len(ids) > 1 else None)
        self._read_view = self._view
        self._has_chosen_baseline = False
        self._snapshot: ComparisonSnapshot | None = None
        self._comparison: Comparison | None = None
        self._shown: Comparison | None = None
        self._looks: RunLooks | None = None
        self._is_long = False
        self._order = Order()
        self._pins_baseline, self._shows_below = True, False
        self._picture: PictureKind | None = None
        self._layout: str | None = None
        self._known = ComparisonCache()
        self._settled: set[str] = set()
        self._draw_pictures_at_rest = Debounce(self, self._draw_pictures)
        self._intervals = IntervalJob(self, self._compute_intervals, self._draw, "no intervals of differences")

    def compose(self) -> ComposeResult:
        yield StatusBar("compare")
        yield TextLine(id="about")
        with Container(id="parts"):
            yield SideBySide(id="table")
            yield Pictures()
        yield Static(id="row", classes="hint", markup=False)
        yield Static(id="notes", classes="hint", markup=False)
        yield TextLine(id="legend", classes="hint")
        yield KeyFooter()

    def on_mount(self) -> None:
        self.app.theme_changed_signal.subscribe(self, lambda theme: self._draw())
        self.table.focus()
        if len(self._view.run_ids) == 1:
            self.action_add()

    @property
    def table(self) -> SideBySide:
        return self.query_one(SideBySide)

    @property
    def pictures(self) -> Pictures:
        return self.query_one(Pictures)

    @property
    def is_settled(self) -> bool:
        """Whether the current view is shown, with all its intervals."""
        return self._snapshot is not None and self._snapshot.view == self._view and not self._is_computing

    @property
    def _is_computing(self) -> bool:
        is_new = self._snapshot is not None and self._snapshot.signature not in self._settled
        return is_new or self._intervals.is_busy

    # Reading

    def prepare(self) -> None:
        self._read_view = self._view

    def read(self, store: Store) -> ComparisonSnapshot:
        snapshot = self._snapshot
        return read_comparison(store, self._read_view, self._known, snapshot.runs if snapshot is not None else {})

    def show(self, snapshot: ComparisonSnapshot) -> None:
        if self._read_view != self._view:
            return  # the view changed during this read; another read is under way
        if self._snapshot is not None and snapshot.is_same(self._snapshot):
            return
        self._view = snapshot.view
        for message in snapshot.gone:
            self.app.tell(message, severity="warning")
        before = self._snapshot, self._comparison
        self._snapshot, self._comparison = snapshot, snapshot.comparison
        try:
            self._draw()
        except BaseException:
            # Later redraws must not repeat the failure.
            self._snapshot, self._comparison = before
            self._intervals.request(None)
            raise
        self._intervals.request(None if snapshot.signature in self._settled else snapshot)

    async def _compute_intervals(self, snapshot: ComparisonSnapshot) -> None:
        self._settled.add(snapshot.signature)  # tried only once
        full = await asyncio.to_thread(compare_runs, snapshot.view, snapshot.runs, self._known, self.app.store)
        self._settled.add(repr(full))
        if self._snapshot is not None and self._snapshot.signature == snapshot.signature:
            self._comparison = full

    def _change(self, view: ComparisonView) -> None:
        self._has_chosen_baseline |= view.baseline != self._view.baseline
        self._view = view
        self.refresh_soon()

    # Showing

    def _draw(self, *, draws_pictures: bool = True) -> None:
        snapshot, comparison = self._snapshot, self._comparison
        if snapshot is None or comparison is None:
            return
        if self._order.name and self._order.name not in (SETTING, *measure_names(comparison)):
            self._order = Order()
        self._is_long |= len(comparison.rows) >= _ROWS_FROM
        order = self._order
        if order.name:
            is_pinned = self._pins_baseline
            comparison = sorted_by(comparison, order.name, descending=order.descending, pins_baseline=is_pinned)
        self._shown = comparison
        places = places_of([row.runs[0] for row in comparison.rows if row.runs])
        states = {run.id: run_state(run) for run in snapshot.runs.values()}
        self._looks = looks = RunLooks(places, states, dark=self.app.current_theme.dark)
        if self._has_lines:
            table = row_form(comparison, looks, order, self.app.size.width - 1, shows_below=self._shows_below)
        else:
            table = column_form(comparison, looks, order, group_intervals=snapshot.view.group_intervals)
        self.table.show(table)
        self._show_about(snapshot, comparison)
        self._arrange()
        self._show_row()
        if draws_pictures:
            self._draw_pictures()

    @property
    def _has_lines(self) -> bool:
        """Whether rows of the comparison are lines of the table; dropped runs do not turn it."""
        wanted = self.app.prefs.comparison
        return wanted == "rows" if wanted else self._is_long

    def _show_about(self, snapshot: ComparisonSnapshot, comparison: Comparison) -> None:
        runs, wanted = snapshot.runs.values(), snapshot.view.baseline
        about = about_comparison(comparison, runs, wanted, self._order, is_computing=self._is_computing)
        self.query_one("#about", TextLine).put(about)
        notes = Text("\n".join(clean(note) for note in comparison.notes))
        self.query_one("#notes", Static).update(notes)
        self.query_one("#notes").set_class(not comparison.notes, "-empty")
        self.query_one("#legend", TextLine).put(legend_of(comparison, self.app.size.width - 2))

    @on(SideBySide.CursorMoved)
    def _follow_cursor(self) -> None:
        self._show_row()
        self._draw_pictures_at_rest()

    def _show_row(self) -> None:
        row, snapshot = self._row_here(), self._snapshot
        if row is not None and self._shown is not None and snapshot is not None:
            names = {run.id: run.name for run in snapshot.runs.values()}
            self.query_one("#row", Static).update(about_row(row, self._shown, names), layout=False)

    def _draw_pictures(self) -> None:
        if self._shown is not None and self._looks is not None and self._snapshot is not None:
            rows = PlottedRows(self._shown, self._looks, self.table.cursor)
            self.pictures.show(rows, self._snapshot.runs)

    def _row_here(self) -> ComparedRow | None:
        rows = self._shown.rows if self._shown else ()
        return rows[self.table.cursor] if self.table.cursor < len(rows) else None

    # Layout

    def _arrange(self) -> None:
        """Puts pictures below the table, or beside it if both fit."""
        if self._shown is None:
            return
        rows, size = self._shown.rows, self.app.size
        is_live = any(row.status == "running" for row in rows)
        self.pictures.kind = self._picture or ("plot" if self._has_lines and not is_live else "curves")
        layout = self._layout or ("both" if self._has_room else "table")
        room = size.width - self.table.natural_width
        is_beside = layout == "both" and size.width >= _BESIDE_FROM and room > _PICTURE_CELLS
        is_above = layout == "both" and not is_beside
        self.table.styles.height = self.table.natural_height if is_above else "1fr"
        self.table.styles.max_height = "60%" if is_above else None
        self.set_class(is_beside, "-beside")
        self.set_class(layout == "table", "-table-only")
        self.set_class(layout == "pictures", "-pictures-only")

    @property
    def _has_room(self) -> bool:
        """Whether a picture fits below the table."""
        left = self.app.size.height - _OTHER_LINES - self.table.natural_height
        return self.app.size.height >= _BOTH_FROM or (self._has_lines and left >= _PICTURE_LINES)

    def on_resize(self) -> None:
        self._draw()

    def action_picture(self, kind: PictureKind) -> None:
        """Shows a kind of picture; if it is shown, shows it alone, and then the table alone."""
        is_hidden, is_alone = self.has_class("-table-only"), self.has_class("-pictures-only")
        if is_hidden:
            self._layout = "both" if self._has_room else "pictures"
        elif self.pictures.kind == kind:
            self._layout = "table" if is_alone else "pictures"
        self._picture = kind
        self._arrange()
        if self._layout == "pictures":
            self.pictures.focus_picture()
        else:
            self.table.focus()

    def _bring_table_back(self) -> None:
        """Shows the table if a picture hides it, so that keys for the table act in sight."""
        if self.has_class("-pictures-only"):
            self._layout = "both" if self._has_room else "table"
            self._arrange()
            self.table.focus()

    def action_table_or_leave(self) -> None:
        if self.has_class("-pictures-only"):
            self._bring_table_back()
        else:
            self.app.pop_screen()

    def action_next_measure(self) -> None:
        self.pictures.choose_measure()

    def action_x_axis(self) -> None:
        if self.pictures.kind != "plot" or self.has_class("-table-only"):
            self.action_picture("plot")
        self.pictures.choose_x_axis()

    def action_turn(self) -> None:
        """Makes rows columns or columns rows; keeps that as a preference if the number of rows decides otherwise."""
        turned = "columns" if self._has_lines else "rows"
        self.app.prefs.comparison = "" if self._is_long == (turned == "rows") else turned
        self.app.save_prefs()
        self._bring_table_back()
        self._draw()

    def action_toggle_below(self) -> None:
        self._shows_below = not self._shows_below
        self._bring_table_back()
        self._draw()

    def action_move(self, by: int) -> None:
        self.table.move_to(self.table.cursor + by)

    def _draw_sorted(self) -> None:
        """Pictures follow at rest, so that the next key need not wait for them."""
        self._draw(draws_pictures=False)
        self._draw_pictures_at_rest()

    def action_sort(self) -> None:
        if self._comparison is None:
            return
        answers = [Answer(_CHOSEN_ORDER, "as chosen"), Answer(SETTING, SETTING)]
        answers += [Answer(name, measure_title(self._comparison, name)) for name in measure_names(self._comparison)]
        ChoicePrompt("Sort by", answers, self._order.name or _CHOSEN_ORDER).ask(self.app, self._sort_by)

    def _sort_by(self, name: str) -> None:
        self._order = Order("" if name == _CHOSEN_ORDER else name)
        self._draw_sorted()

    @on(SideBySide.TitleClicked)
    def _sort_by_title(self, event: SideBySide.TitleClicked) -> None:
        name = event.key or SETTING
        if self._comparison is not None and name in (SETTING, *measure_names(self._comparison)):
            self._order = Order(name, descending=self._order.name == name and not self._order.descending)
            self._draw_sorted()

    def action_reverse(self) -> None:
        if self._order.name:
            self._order = replace(self._order, descending=not self._order.descending)
            self._draw_sorted()
        else:
            self.app.tell("the rows are not sorted; press s to sort them")

    def action_toggle_pin(self) -> None:
        """Keeps the baseline on top, or in its place, among sorted rows."""
        self._pins_baseline = not self._pins_baseline
        self.app.tell("the baseline stays on top" if self._pins_baseline else "the baseline is sorted like other rows")
        self._draw()

    def action_toggle_settings(self) -> None:
        self._bring_table_back()
        self._change(replace(self._view, all_settings=not self._view.all_settings))

    def action_toggle_fold(self) -> None:
        self._change(replace(self._view, folded=not self._view.folded))

    def action_next_further(self) -> None:
        self._bring_table_back()
        self._change(with_next_further(self._view))

    def action_next_groups(self) -> None:
        self._bring_table_back()
        self._change(with_next_groups(self._view))

    def action_explain(self) -> None:
        if self._comparison is not None:
            self.app.push_screen(ExplainScreen(explained(self._comparison)))

    def action_next_split(self) -> None:
        if self._snapshot is None or self._comparison is None:
            return
        splits = self._snapshot.splits
        if len(splits) < 2:
            self.app.tell(f"only {splits[0]} has scores" if splits else "none of these runs has scores yet")
            return
        now = self._comparison.split
        self._change(replace(self._view, split=splits[(splits.index(now) + 1) % len(splits)] if now else splits[0]))

    def action_baseline(self) -> None:
        if self._comparison is not None:
            self._change(replace(self._view, baseline=next_baseline(self._view, self._comparison)))

    def action_baseline_here(self) -> None:
        row = self._row_here()
        if row is not None and row.n is None:
            self.app.tell(f"{row.name} has no scores, so it cannot be the baseline", severity="warning")
        elif row is not None:
            self._change(replace(self._view, baseline=str(row.runs[0]) if row.runs else CONSTANT))

    def action_drop(self) -> None:
        row = self._row_here()
        if row is None or not row.runs:
            self.app.tell("the constant predictor stays while its runs stay" if row else "no row to remove")
            return
        left = tuple(run_id for run_id in self._view.run_ids if run_id not in row.runs)
        if not left:
            self.app.tell("this is the last run; esc closes the comparison")
            return
        self._change(replace(self._view, run_ids=left))

    def action_add(self) -> None:
        chosen = self._view.run_ids
        room = MOST_COMPARED - len(chosen)
        if room <= 0:
            self.app.tell(f"a comparison holds at most {MOST_COMPARED} runs; x removes one", severity="warning")
            return

        def add(run_id: int) -> None:
            view = self._view
            baseline = view.baseline if self._has_chosen_baseline else view.baseline or str(view.run_ids[0])
            self._view = replace(view, run_ids=(*view.run_ids, run_id), baseline=baseline)

        title = "Compare with which runs?" if len(chosen) == 1 else f"{len(chosen)} runs; add which?"
        self.app.push_screen(RunPicker(title, chosen, room, add))

    @on(SideBySide.Opened)
    def action_open(self) -> None:
        row = self._row_here()
        if row is not None and row.runs:
            self.post_message(OpenRun(row.runs[0]))

    def action_export(self) -> None:
        if self._shown is not None and self._snapshot is not None:
            remark = "" if self.is_settled else "; intervals of differences are not computed yet"
            runs = self._snapshot.runs.values()
            axes = self.pictures.axes_in(self._shown)
            export = export_by_dialog(self.app, self._shown, runs, axes, remark)
            self.run_worker(export, group="export", exclusive=True, exit_on_error=False)
