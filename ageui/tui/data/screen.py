"""Shows the data sets: their groups and weights, their problems and their faces."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option
from textual.worker import Worker

from ageui.files.viewer import open_in_viewer
from ageui.present.bars import progress_bar
from ageui.store import Store
from ageui.text.clean import clean
from ageui.tui import changes, keys
from ageui.tui.child_command import Progress
from ageui.tui.data import commands
from ageui.tui.data import rows as data_rows
from ageui.tui.data.rows import GroupTable
from ageui.tui.dialogs.prompts import LinePrompt, confirmation
from ageui.tui.live import LiveScreen
from ageui.tui.widgets.key_footer import KeyFooter
from ageui.tui.widgets.paged_table import PagedTable
from ageui.tui.widgets.status_bar import StatusBar
from engine.choices import Target
from engine.data.kept_reports import kept_report
from engine.data.report import DataReport, unusable
from engine.data.spec import DataSpec
from engine.errors import ConfigError, DataError
from engine.paths import cache_folder

_REST_SECONDS = 0.2  # before reading the rows of a data set, so that moving through the list starts no processes


@dataclass(frozen=True)
class DataSetsSnapshot:
    """The registered data sets, and the names of those whose files exist."""

    specs: tuple[DataSpec, ...]
    existing: frozenset[str]


@dataclass(frozen=True)
class ShownReport:
    """A report with a note. `checked_at` is the time when its images were read; None if only rows were read."""

    report: DataReport
    checked_at: datetime | None = None
    note: str = ""


class DataScreen(LiveScreen[DataSetsSnapshot]):
    """The list of data sets and the report on the highlighted one. Its child processes read data and end with it."""

    CSS_PATH = "screen.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings(keys.DATA)]

    def __init__(self) -> None:
        super().__init__()
        self._snapshot = DataSetsSnapshot((), frozenset())
        self._spec: DataSpec | None = None
        self._target: Target = "apparent"
        self._split = ""
        self._shown: ShownReport | None = None
        self._job: Worker[None] | None = None
        self._to_choose = ""
        self._outcome = ""

    def compose(self) -> ComposeResult:
        yield StatusBar("data sets")
        with Horizontal():
            yield OptionList(id="sets", markup=False)
            with Vertical(id="known"):
                yield Static(id="about", markup=False)
                yield Static(id="error", classes="error -away", markup=False)
                yield Static(id="splits", markup=False)
                yield PagedTable(id="groups")
                with VerticalScroll(id="findings"):
                    yield Static(markup=False)
        yield Static(id="doing", classes="hint -away", markup=False)
        yield KeyFooter()

    def on_mount(self) -> None:
        self._sets.focus()

    @property
    def _sets(self) -> OptionList:
        return self.query_one("#sets", OptionList)

    @property
    def _table(self) -> PagedTable:
        return self.query_one(PagedTable)

    # The list

    def read(self, store: Store) -> DataSetsSnapshot:
        specs = tuple(store.data.all())
        return DataSetsSnapshot(specs, frozenset(spec.name for spec in specs if data_rows.is_there(spec)))

    def show(self, snapshot: DataSetsSnapshot) -> None:
        before, self._snapshot = self._snapshot, snapshot
        names = [spec.name for spec in snapshot.specs]
        if before == snapshot and self._to_choose not in names:
            return
        wanted = self._to_choose or (self._spec.name if self._spec is not None else "")
        # Skips the built-in faces, which come first: a person's own data is more interesting.
        place = names.index(wanted) if wanted in names else min(1, len(names) - 1)
        self._to_choose = ""
        self._sets.set_options(
            Option(data_rows.list_text(spec, is_there=spec.name in snapshot.existing)) for spec in snapshot.specs
        )
        self._sets.highlighted = place
        self._choose(snapshot.specs[place])

    @on(OptionList.OptionHighlighted)
    def _highlighted(self, event: OptionList.OptionHighlighted) -> None:
        if event.option_index < len(self._snapshot.specs):
            self._choose(self._snapshot.specs[event.option_index])

    @on(OptionList.OptionSelected)
    def _entered(self) -> None:
        self._table.focus()

    def _choose(self, spec: DataSpec) -> None:
        if spec == self._spec:
            return
        self._spec, self._shown, self._target = spec, None, "apparent"
        self._table.action_first()
        self._tell_error("")
        if self._job is None:
            self._tell_doing("")
        self._read_report()

    # The report

    def _read_report(self) -> None:
        if self._spec is not None:
            self._draw()
            reading = self._read_rows(self._spec, self._target)
            self.run_worker(reading, group="rows", exclusive=True, exit_on_error=False)

    async def _read_rows(self, spec: DataSpec, target: Target) -> None:
        """Shows the stored report if it is current, else reads the rows."""
        if not await asyncio.to_thread(data_rows.is_there, spec):
            self._tell_error(f"{spec.path} is missing; mount it, or forget the data set (x) and add it again (a)")
            return
        kept = await asyncio.to_thread(kept_report, spec, target, cache_folder())
        if kept is not None and kept.is_current:
            self._show_report(spec, target, ShownReport(kept.report, kept.checked_at))
            return
        self.query_one("#findings Static", Static).update("reading rows …")
        await asyncio.sleep(_REST_SECONDS)
        try:
            report = await commands.count_rows(self._db, spec.name, target)
        except DataError as error:
            self._show_report(spec, target, None, str(error))
            return
        note = f"files changed since the images were read, {kept.checked_at:%Y-%m-%d}" if kept is not None else ""
        self._show_report(spec, target, ShownReport(report, note=note))

    def _show_report(self, spec: DataSpec, target: str, shown: ShownReport | None, error: str = "") -> None:
        if self.is_attached and (spec, target) == (self._spec, self._target):
            self._shown = shown
            self._tell_error(error)
            self._draw()

    def _draw(self) -> None:
        """Draws the report on the chosen data set, or its name alone."""
        assert self._spec is not None
        shown, splits = self._shown, self.query_one("#splits", Static)
        findings = self.query_one("#findings Static", Static)
        checked_at = shown.checked_at if shown is not None else None
        self.query_one("#about", Static).update(data_rows.about_text(self._spec, self._target, checked_at))
        if shown is None:
            splits.update("")
            findings.update("")
            self._table.put(0, [], 0)
            return
        names = [split.split for split in shown.report.splits]
        if self._split not in names:
            self._split = names[0] if names else ""
        splits.update(data_rows.split_table(shown.report))
        findings.update(data_rows.findings_text(shown.report, shown.note))
        table = GroupTable.fitting(names, self._split, self._table.size.width)
        rows = table.rows(shown.report)
        self._table.show_columns(table.columns())
        self._table.put(0, rows, len(rows))

    @on(PagedTable.PageWanted)
    def _draw_again(self) -> None:
        if self._spec is not None and self._shown is not None:
            self._draw()

    def action_next_split(self) -> None:
        if self._shown is not None and self._shown.report.splits:
            names = [split.split for split in self._shown.report.splits]
            self._split = names[(names.index(self._split) + 1) % len(names)]
            self._draw()

    def action_next_target(self) -> None:
        if self._spec is None:
            return
        if self._spec.format not in ("appa_real", "table"):
            self.app.tell(f"{self._spec.name} has apparent ages only")
            return
        self._target = "real" if self._target == "apparent" else "apparent"
        self._shown = None
        self._read_report()

    # Jobs: child processes that take a while

    @property
    def _db(self) -> Path:
        return self.app.store.path

    def _start(self, work: Callable[[], Awaitable[None]]) -> None:
        """Starts a job, which a person can stop. Refuses a second one."""
        if self._job is not None:
            self.app.tell("a data set is already being read; esc stops that", severity="warning")
            return

        async def job() -> None:
            try:
                await work()
            except DataError as error:
                self._tell_error(str(error))
            finally:
                self._job = None
                self._tell_doing(self._outcome)

        self._tell_error("")
        self._outcome = ""
        self._job = self.run_worker(job(), group="job", exit_on_error=False)

    def action_stop_or_leave(self) -> None:
        if self._job is None:
            self.app.pop_screen()
            return
        self._job.cancel()
        self.app.tell("stopped")

    def action_check(self) -> None:
        if (spec := self._spec) is None:
            return
        target = self._target

        async def check() -> None:
            self._tell_doing(f"reading {spec.name}")
            try:
                report = await commands.read_images(self._db, spec.name, target, self._progress_of(spec.name))
            except DataError as error:
                self._show_report(spec, target, None, str(error))
            else:
                self._show_report(spec, target, ShownReport(report, datetime.now().astimezone()))

        self._start(check)

    def action_sheet(self) -> None:
        spec, row = self._spec, self._table.cursor_key
        if spec is None or self._shown is None or row is None or not self._split:
            return
        split, target, members = self._split, self._target, None
        what = f"{spec.name} · {split}"
        if row > 0:
            group = self._shown.report.groups[row - 1]
            what = f"{what} · {group.attribute} {group.group}"
            members = (group.attribute, group.group)
            if not group.counts.get(split):
                self.app.tell(f"{what} has no labelled images", severity="warning")
                return

        async def draw() -> None:
            self._tell_doing(f"drawing a sheet of {what}")
            path = await commands.draw_sheet(self._db, spec.name, target, split, members)
            if self.app.is_web:
                self.app.deliver_binary(path)
                return
            # Stays longer than a notice, because it may name a file to copy.
            self._outcome = await asyncio.to_thread(open_in_viewer, path)

        self._start(draw)

    def action_add(self) -> None:
        self._start(self._add)

    async def _add(self) -> None:
        hint = "enter continues · esc cancels"
        text = await self.app.push_screen_wait(LinePrompt("Path of a folder, or of a table of images", "", hint))
        if not text or not text.strip():
            return
        try:
            path = Path(text.strip()).expanduser().absolute()
            self.app.permissions.refuse_path(path)
            is_there = await asyncio.to_thread(path.exists)
        except ConfigError as error:
            self._tell_error(str(error))
            return
        except (OSError, RuntimeError, ValueError) as error:
            self._tell_error(f"{text.strip()} is not a path: {error}")
            return
        if not is_there:
            self._tell_error(f"{path} does not exist; give the folder or table of the data set")
            return
        name = await self.app.push_screen_wait(LinePrompt(f"Name of the data set in {path}", path.stem, hint))
        if not name or not name.strip():
            return
        name = name.strip()
        if (report := await self._register(name, path)) is not None:
            self._to_choose = name
            self.app.tell(report.headline)
            self.refresh_soon()

    async def _register(self, name: str, path: Path) -> DataReport | None:
        """Registers a data set. Asks before skipping unusable rows and images. Returns None if refused."""
        progress = self._progress_of(name)
        self._tell_doing(f"reading {path}")
        register = partial(commands.register, self._db, name, path, progress, below=self.app.permissions.folder)
        new = await register(skip_bad=False)
        if new.refusal:
            self._tell_error(new.refusal)
            problems = new.report.problems
            question = f"data set {name!r} has {unusable(problems)}: {problems[0]}. Add it without these?"
            if await self.app.push_screen_wait(confirmation(question, "Yes, skip them")) is None:
                return None
            self._tell_error("")
            self._tell_doing(f"reading {path}")
            new = await register(skip_bad=True)
        return new.report

    def action_forget(self) -> None:
        if self._spec is not None:
            self.app.change(changes.forget_data(self._spec.name))

    # Messages

    def _progress_of(self, name: str) -> Progress:
        return lambda what, done, total: self._tell_doing(
            f"{name}: {what} {progress_bar(done, total)} {done:,} of {total:,} · esc stops"
        )

    def _tell_doing(self, text: str) -> None:
        self._put("#doing", clean(text))

    def _tell_error(self, text: str) -> None:
        self._put("#error", clean(text, lines=True))

    def _put(self, place: str, text: str) -> None:
        """Updates a line, and hides it while it is empty."""
        if self.is_attached:
            line = self.query_one(place, Static)
            line.update(text)
            line.set_class(not text, "-away")
