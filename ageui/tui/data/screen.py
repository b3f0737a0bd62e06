"""The data sets: what is in each, how much its groups weigh, what is wrong with it, and its faces."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widgets import Footer, OptionList, Static
from textual.widgets.option_list import Option
from textual.worker import Worker

from ageui.files.viewer import open_in_viewer
from ageui.store import Store
from ageui.text.clean import clean
from ageui.tui import changes, keys
from ageui.tui.child_command import Ended, run_command
from ageui.tui.data import rows as data_rows
from ageui.tui.data.rows import GroupTable
from ageui.tui.dialogs.prompts import LinePrompt, confirmation
from ageui.tui.live import LiveScreen
from ageui.tui.table_cell import bar
from ageui.tui.widgets.paged_table import PagedTable
from ageui.tui.widgets.status_bar import StatusBar
from engine.choices import Target
from engine.data.kept_reports import kept_report
from engine.data.report import DataReport
from engine.data.spec import DataSpec
from engine.paths import cache_folder

_SECONDS_ON_ONE = 0.2  # before its rows are read, so that going through the list starts nothing
_DATA_EXIT = 3


@dataclass(frozen=True)
class _Found:
    specs: tuple[DataSpec, ...]
    there: frozenset[str]


@dataclass(frozen=True)
class _Known:
    """A report, when its images were read (None: only rows were), and what to say about it."""

    report: DataReport
    checked_at: datetime | None = None
    note: str = ""


class DataScreen(LiveScreen[_Found]):
    """Reading goes on in processes of their own, which end with this screen."""

    CSS_PATH = "screen.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings(keys.DATA)]

    def __init__(self) -> None:
        super().__init__()
        self._found = _Found((), frozenset())
        self._spec: DataSpec | None = None
        self._target: Target = "apparent"
        self._split = ""
        self._known: _Known | None = None
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
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        self._sets.focus()

    @property
    def _sets(self) -> OptionList:
        return self.query_one("#sets", OptionList)

    @property
    def _table(self) -> PagedTable:
        return self.query_one(PagedTable)

    # The list

    def read(self, store: Store) -> _Found:
        specs = tuple(store.data.all())
        there = frozenset(spec.name for spec in specs if data_rows.is_there(spec))
        return _Found(specs, there)

    def show(self, found: _Found) -> None:
        before, self._found = self._found, found
        names = [spec.name for spec in found.specs]
        if (before.specs, before.there) == (found.specs, found.there) and self._to_choose not in names:
            return
        wanted = self._to_choose or (self._spec.name if self._spec is not None else "")
        # One's own data is of more interest than the built-in faces, which come first.
        place = names.index(wanted) if wanted in names else min(1, len(names) - 1)
        self._to_choose = ""
        self._sets.set_options(
            Option(data_rows.list_text(spec, is_there=spec.name in found.there)) for spec in found.specs
        )
        self._sets.highlighted = place
        self._choose(found.specs[place])

    @on(OptionList.OptionHighlighted)
    def _highlighted(self, event: OptionList.OptionHighlighted) -> None:
        if event.option_index < len(self._found.specs):
            self._choose(self._found.specs[event.option_index])

    @on(OptionList.OptionSelected)
    def _entered(self) -> None:
        self._table.focus()

    def _choose(self, spec: DataSpec) -> None:
        if spec == self._spec:
            return
        self._spec, self._known, self._target = spec, None, "apparent"
        self._table.action_first()
        self._tell_error("")
        if self._job is None:
            self._tell_doing("")
        self._look()

    # What is known

    def _look(self) -> None:
        if self._spec is not None:
            self._draw()
            self.run_worker(
                self._look_at(self._spec, self._target), group="looking", exclusive=True, exit_on_error=False
            )

    async def _look_at(self, spec: DataSpec, target: Target) -> None:
        """Shows the kept report where it is current, else what the rows tell, which are read now."""
        if not await asyncio.to_thread(data_rows.is_there, spec):
            self._tell_error(f"{spec.path} is not there: mount it, or forget the data set (x) and add it again (a)")
            return
        kept = await asyncio.to_thread(kept_report, spec, target, cache_folder())
        if kept is not None and kept.is_current:
            self._show_known(spec, target, _Known(kept.report, kept.checked_at))
            return
        self.query_one("#findings Static", Static).update("reading rows …")
        await asyncio.sleep(_SECONDS_ON_ONE)
        ended = await self._command("check", "--quick", "--json", "--target", target, "--", spec.name)
        report = _report_of(ended)
        if report is None:
            self._show_known(spec, target, None, ended.messages)
            return
        note = f"files changed since the images were read, {kept.checked_at:%Y-%m-%d}" if kept is not None else ""
        self._show_known(spec, target, _Known(report, note=note))

    def _show_known(self, spec: DataSpec, target: str, known: _Known | None, error: str = "") -> None:
        if self.is_attached and (spec, target) == (self._spec, self._target):
            self._known = known
            self._tell_error(error)
            self._draw()

    def _draw(self) -> None:
        """Draws what is known of the chosen data set, or that nothing is yet."""
        assert self._spec is not None
        known, splits, findings = self._known, self.query_one("#splits", Static), self.query_one("#findings Static")
        assert isinstance(findings, Static)
        checked_at = known.checked_at if known is not None else None
        self.query_one("#about", Static).update(data_rows.about_text(self._spec, self._target, checked_at))
        if known is None:
            splits.update("")
            findings.update("")
            self._table.put(0, [], 0)
            return
        names = [split.split for split in known.report.splits]
        if self._split not in names:
            self._split = names[0] if names else ""
        splits.update(data_rows.split_table(known.report))
        findings.update(data_rows.findings_text(known.report, known.note))
        table = GroupTable.fitting(names, self._split, self._table.size.width)
        rows = table.rows(known.report)
        self._table.show_columns(table.columns())
        self._table.put(0, rows, len(rows))

    @on(PagedTable.PageWanted)
    def _draw_again(self) -> None:
        if self._spec is not None and self._known is not None:
            self._draw()

    def action_next_split(self) -> None:
        if self._known is not None and self._known.report.splits:
            names = [split.split for split in self._known.report.splits]
            self._split = names[(names.index(self._split) + 1) % len(names)]
            self._draw()

    def action_next_target(self) -> None:
        if self._spec is None:
            return
        if self._spec.format not in ("appa_real", "table"):
            self.ageui.tell(f"{self._spec.name} has apparent ages only")
            return
        self._target = "real" if self._target == "apparent" else "apparent"
        self._known = None
        self._look()

    # Commands

    async def _command(self, *arguments: str, progress: Callable[[str, int, int], None] | None = None) -> Ended:
        return await run_command(["data", *arguments], self.ageui.store.path, progress=progress)

    def _start(self, work: Callable[[], Awaitable[None]]) -> None:
        """Starts what takes a while and can be stopped; one at a time."""
        if self._job is not None:
            self.ageui.tell("something is being read already; esc stops it", severity="warning")
            return

        async def job() -> None:
            try:
                await work()
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
        self.ageui.tell("stopped")

    def action_check(self) -> None:
        if (spec := self._spec) is None:
            return
        target = self._target

        async def check() -> None:
            self._tell_doing(f"reading {spec.name}")
            progress = self._progress_of(spec.name)
            ended = await self._command(
                "check", "--json", "--progress-lines", "--target", target, "--", spec.name, progress=progress
            )
            report = _report_of(ended)
            if report is None:
                self._show_known(spec, target, None, ended.messages)
            else:
                self._show_known(spec, target, _Known(report, datetime.now().astimezone()))

        self._start(check)

    def action_sheet(self) -> None:
        spec, row = self._spec, self._table.cursor_key
        if spec is None or self._known is None or row is None or not self._split:
            return
        split, groups = self._split, []
        what = f"{spec.name} · {split}"
        if row > 0:
            group = self._known.report.groups[row - 1]
            what = f"{what} · {group.attribute} {group.group}"
            groups = ["--group", f"{group.attribute}={group.group}"]
            if not group.counts.get(split):
                self.ageui.tell(f"{what}: there are no labelled images of it", severity="warning")
                return
        target = self._target

        async def draw() -> None:
            self._tell_doing(f"drawing a sheet of {what}")
            ended = await self._command("sheet", "--split", split, *groups, "--target", target, "--", spec.name)
            if ended.code:
                self._tell_error(ended.messages)
            else:
                # It names a file that may have to be copied, so it stays longer than a message that goes by itself.
                self._outcome = await asyncio.to_thread(open_in_viewer, Path(ended.out.removesuffix("\n")))

        self._start(draw)

    def action_add(self) -> None:
        self._start(self._add)

    async def _add(self) -> None:
        hint = "enter goes on, esc leaves"
        text = await self.app.push_screen_wait(LinePrompt("Path of a folder, or of a table of images", "", hint))
        if not text or not text.strip():
            return
        try:
            path = Path(text.strip()).expanduser().absolute()
            is_there = await asyncio.to_thread(path.exists)
        except (OSError, RuntimeError, ValueError) as error:
            self._tell_error(f"{text.strip()} is no path: {error}")
            return
        if not is_there:
            self._tell_error(f"{path} does not exist; give the folder or table of the data set")
            return
        name = await self.app.push_screen_wait(LinePrompt(f"Name of the data set in {path}", path.stem, hint))
        if not name or not name.strip():
            return
        name = name.strip()
        ended = await self._register(name, path)
        if ended.code == _DATA_EXIT and "--skip-bad" in ended.messages:
            self._tell_error(ended.messages)
            what, *problems = ended.messages.splitlines()
            question = f"{what} {problems[0].strip() if problems else ''}. Add it without?"
            if await self.app.push_screen_wait(confirmation(question, "Yes, leave them out")) != "yes":
                return
            self._tell_error("")
            ended = await self._register(name, path, "--skip-bad")
        if ended.code:
            self._tell_error(ended.messages)
            return
        self._to_choose = name
        self.ageui.tell(ended.out.strip())
        self.refresh_soon()

    async def _register(self, name: str, path: Path, *options: str) -> Ended:
        self._tell_doing(f"reading {path}")
        progress = self._progress_of(name)
        return await self._command("add", "--progress-lines", *options, "--", name, str(path), progress=progress)

    def action_forget(self) -> None:
        if self._spec is not None:
            self.ageui.change(changes.forget_data(self._spec.name))

    # Messages

    def _progress_of(self, name: str) -> Callable[[str, int, int], None]:
        return lambda what, done, total: self._tell_doing(
            f"{name}: {what} {bar(done, total)} {done:,} of {total:,} · esc stops"
        )

    def _tell_doing(self, text: str) -> None:
        self._put("#doing", clean(text))

    def _tell_error(self, text: str) -> None:
        self._put("#error", clean(text, lines=True))

    def _put(self, place: str, text: str) -> None:
        """A line that is only there while it says something."""
        if self.is_attached:
            line = self.query_one(place, Static)
            line.update(text)
            line.set_class(not text, "-away")


def _report_of(ended: Ended) -> DataReport | None:
    """The report that a check printed, also where it found problems; None where there is none."""
    if ended.code not in (0, _DATA_EXIT):
        return None
    try:
        return DataReport.from_json(json.loads(ended.out))
    except (ValueError, KeyError, TypeError):
        return None
