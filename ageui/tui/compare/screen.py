"""Compares runs side by side: their settings, figures, groups and curves."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, get_args

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.widgets import Static

from ageui.compare import CONSTANT, ComparedRow, Comparison, ComparisonCache, render_text
from ageui.store import Store
from ageui.text.clean import clean
from ageui.text.sentences import counted
from ageui.tui import keys
from ageui.tui.chart.chart import Chart
from ageui.tui.compare.compared_runs import (
    ComparisonSnapshot,
    ComparisonView,
    Further,
    compare_runs,
    read_comparison,
    run_state,
)
from ageui.tui.compare.comparison_file import FORMAT_NAMES, export
from ageui.tui.compare.curves import CurveName, curve_names, fitting_curve, next_curve, series_of
from ageui.tui.compare.lines import about_row, columns_of, explained, legend_of, lines_of
from ageui.tui.compare.run_picker import RunPicker
from ageui.tui.dialogs.explain import ExplainScreen
from ageui.tui.dialogs.prompts import Answer, ChoicePrompt, LinePrompt, confirmation
from ageui.tui.interval_job import IntervalJob
from ageui.tui.live import LiveScreen
from ageui.tui.messages import MOST_COMPARED, OpenRun
from ageui.tui.themes import places_of
from ageui.tui.widgets.key_footer import KeyFooter
from ageui.tui.widgets.side_by_side import SideBySide
from ageui.tui.widgets.status_bar import StatusBar
from engine.choices import SPLIT_PREFERENCE
from engine.errors import ConfigError

_CURVES_BESIDE, _CURVES_CELLS = 150, 48
_LAYOUTS = ("both", "table", "curves")


class CompareScreen(LiveScreen[ComparisonSnapshot]):
    """Shows figures at once; intervals of differences follow from a thread, unless the view changes meanwhile."""

    CSS_PATH = "screen.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings(keys.COMPARE), *keys.forwarded(keys.CURVES, "chart")]

    def __init__(self, run_ids: tuple[int, ...]) -> None:
        super().__init__()
        ids = tuple(dict.fromkeys(run_ids))[:MOST_COMPARED]
        self._view = ComparisonView(ids, baseline=str(ids[0]) if len(ids) > 1 else None)
        self._read_view = self._view
        self._has_chosen_baseline = False
        self._snapshot: ComparisonSnapshot | None = None
        self._comparison: Comparison | None = None
        self._curve: CurveName | None = None
        self._layout: str | None = None
        self._known = ComparisonCache()
        self._settled: set[str] = set()
        self._intervals = IntervalJob(self, self._compute_intervals, self._draw, "no intervals of differences")

    def compose(self) -> ComposeResult:
        yield StatusBar(f"{self.app.store.path.name} › compare")
        yield Static(id="about", markup=False)
        with Container(id="parts"):
            yield SideBySide(id="table")
            yield Chart(id="curves")
        yield Static(id="row", classes="hint", markup=False)
        yield Static(id="notes", classes="hint", markup=False)
        yield Static(id="legend", classes="hint", markup=False)
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
    def chart(self) -> Chart:
        return self.query_one(Chart)

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
        if snapshot.view != self._view:
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

    def _draw(self) -> None:
        snapshot, comparison = self._snapshot, self._comparison
        if snapshot is None or comparison is None:
            return
        dark = self.app.current_theme.dark
        places = places_of([row.runs[0] for row in comparison.rows if row.runs])
        states = {run.id: run_state(run) for run in snapshot.runs.values()}
        self.table.show(
            columns_of(comparison, states, places, dark=dark),
            lines_of(comparison, group_intervals=snapshot.view.group_intervals),
        )
        curve = self._curve or fitting_curve(list(snapshot.runs.values()))
        series = series_of(comparison, snapshot.runs, curve, places, dark=dark)
        self.chart.show(series, x_name="epoch", y_name=curve_names(snapshot.runs.values()).get(curve, curve))
        self._show_about(snapshot, comparison)
        self._show_row()
        self._arrange()

    def _show_about(self, snapshot: ComparisonSnapshot, comparison: Comparison) -> None:
        where = "no scores yet" if comparison.split is None else f"{comparison.split}, {comparison.n:,} images"
        data = dict.fromkeys(str(run.config.get("data")) for run in snapshot.runs.values())
        parts = [
            f"{counted(len(snapshot.runs), 'run')} on {', '.join(data)} / {where}",
            f"baseline {comparison.baseline or 'none'}",
        ]
        parts += ["f folds seeds"] if comparison.is_foldable else []
        if self._is_computing:
            parts.append("intervals of differences are being computed …")
        self.query_one("#about", Static).update(Text(clean(" · ".join(parts))))
        notes = Text("\n".join(clean(note) for note in comparison.notes))
        self.query_one("#notes", Static).update(notes)
        self.query_one("#notes").set_class(not comparison.notes, "-empty")
        self.query_one("#legend", Static).update(legend_of(comparison))

    @on(SideBySide.CursorMoved)
    def _show_row(self) -> None:
        row = self._row_here()
        if row is None or self._comparison is None:
            return
        said = about_row(row, self._comparison)
        text = Text(clean(row.name), style="bold")
        self.query_one("#row", Static).update(text.append(f"  {said}" if said else "", style="not bold"))

    def _row_here(self) -> ComparedRow | None:
        rows = self._comparison.rows if self._comparison else ()
        return rows[self.table.cursor] if self.table.cursor < len(rows) else None

    def _arrange(self) -> None:
        """Puts the curves below the table, or beside it if both fit."""
        layout = self._layout or ("both" if self.app.size.height >= 32 else "table")
        room = self.app.size.width - self.table.natural_width
        self.set_class(layout == "both" and self.app.size.width >= _CURVES_BESIDE and room > _CURVES_CELLS, "-beside")
        self.set_class(layout == "table", "-table-only")
        self.set_class(layout == "curves", "-curves-only")

    def on_resize(self) -> None:
        self._arrange()

    # Actions

    def action_next_layout(self) -> None:
        shown = "table" if self.has_class("-table-only") else "curves" if self.has_class("-curves-only") else "both"
        self._layout = _LAYOUTS[(_LAYOUTS.index(shown) + 1) % len(_LAYOUTS)]
        self._arrange()
        (self.chart if self._layout == "curves" else self.table).focus()

    def action_next_curve(self) -> None:
        if self._snapshot is not None:
            runs = list(self._snapshot.runs.values())
            self._curve = next_curve(self._curve or fitting_curve(runs), runs)
            self._draw()

    def action_toggle_settings(self) -> None:
        self._change(replace(self._view, all_settings=not self._view.all_settings))

    def action_toggle_fold(self) -> None:
        self._change(replace(self._view, folded=not self._view.folded))

    def action_next_further(self) -> None:
        """Cycles through signed gaps, all further figures, and none."""
        shown: tuple[Further, ...] = get_args(Further)
        now = shown.index(self._view.further)
        self._change(replace(self._view, further=shown[(now + 1) % len(shown)]))

    def action_next_groups(self) -> None:
        """Cycles through groups, groups with intervals, and no groups."""
        view = self._view
        has_both = view.groups and view.group_intervals
        self._change(replace(view, groups=not has_both, group_intervals=view.groups and not view.group_intervals))

    def action_explain(self) -> None:
        if self._comparison is not None:
            self.app.push_screen(ExplainScreen(explained(self._comparison)))

    def action_next_split(self) -> None:
        if self._snapshot is None or self._comparison is None:
            return
        there = {scores.split for run in self._snapshot.runs.values() for scores in run.results}
        splits: list[str] = [split for split in SPLIT_PREFERENCE if split in there]
        if len(splits) < 2:
            self.app.tell(f"there are scores on {splits[0]} alone" if splits else "none of these runs has scores yet")
            return
        now = self._comparison.split
        self._change(replace(self._view, split=splits[(splits.index(now) + 1) % len(splits)] if now else splits[0]))

    def action_baseline(self) -> None:
        if self._comparison is None:
            return
        rows = self._comparison.rows
        choices: list[str | None] = [str(row.runs[0]) for row in rows if row.runs and row.n is not None]
        choices += [CONSTANT] if any(not row.runs for row in rows) else []
        choices.append(None)
        now = next((place for place, row in enumerate(choices) if self._is_baseline(row)), -1)
        self._change(replace(self._view, baseline=choices[(now + 1) % len(choices)]))

    def _is_baseline(self, choice: str | None) -> bool:
        """Whether a choice is the baseline; any run of a row over seeds may be."""
        baseline, rows = self._view.baseline, self._comparison.rows if self._comparison else ()
        if choice == baseline:
            return True
        folded = (row.runs for row in rows if baseline is not None and baseline in [str(run) for run in row.runs])
        return any(choice == str(runs[0]) for runs in folded)

    def action_baseline_here(self) -> None:
        row = self._row_here()
        if row is not None and row.n is None:
            self.app.tell(f"{row.name} has no scores to set others against", severity="warning")
        elif row is not None:
            self._change(replace(self._view, baseline=str(row.runs[0]) if row.runs else CONSTANT))

    def action_drop(self) -> None:
        row = self._row_here()
        if row is None or not row.runs:
            self.app.tell("the constant predictor goes when its runs do" if row else "there is nothing to drop")
            return
        left = tuple(run_id for run_id in self._view.run_ids if run_id not in row.runs)
        if not left:
            self.app.tell("that is the last run; esc leaves")
            return
        self._change(replace(self._view, run_ids=left))

    def action_add(self) -> None:
        chosen = self._view.run_ids
        room = MOST_COMPARED - len(chosen)
        if room <= 0:
            self.app.tell(f"{MOST_COMPARED} runs are the most; x takes one out", severity="warning")
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

    # Export

    def action_export(self) -> None:
        if self._comparison is not None:
            self.run_worker(self._export(self._comparison), group="export", exclusive=True, exit_on_error=False)

    async def _export(self, comparison: Comparison) -> None:
        formats = [Answer(key, name, f".{key}") for key, name in FORMAT_NAMES.items()]
        format = await self.app.push_screen_wait(ChoicePrompt("Export as", formats))
        if format is None:
            return
        name, later = f"comparison.{format}", "" if self.is_settled else "; intervals of differences were not done yet"
        places = [
            Answer("here", name, f"in {Path.cwd()}"), Answer("file", "another file …"), Answer("copy", "the clipboard")
        ]  # fmt: skip
        place = await self.app.push_screen_wait(ChoicePrompt(f"{FORMAT_NAMES[format]} goes to", places))
        if place == "copy":
            self.app.copy_to_clipboard(render_text(comparison, format))
            rows = counted(len(comparison.rows), "row")
            self.app.tell(f"copied {rows} as {FORMAT_NAMES[format]}{later}")
            return
        if place == "file":
            name = (
                await self.app.push_screen_wait(LinePrompt("Write to", name, "enter writes, esc leaves")) or ""
            ).strip()
        if place is None or not name:
            return
        try:
            await self._write(comparison, format, Path(name), later)
        except ConfigError as error:
            self.app.tell(str(error), severity="error")

    async def _write(self, comparison: Comparison, format: str, path: Path, later: str) -> None:
        try:
            written = await asyncio.to_thread(export, comparison, format, path)
        except FileExistsError:
            question = confirmation(f"{path} is there already. Replace it?", "Yes, replace it")
            if await self.app.push_screen_wait(question) is None:
                return
            written = await asyncio.to_thread(export, comparison, format, path, replace=True)
        self.app.tell(f"{counted(len(comparison.rows), 'row')} written to {written}{later}")
