"""Keys of the table of runs that act on the selected runs, or else on those of the row under the cursor."""

from collections.abc import Callable
from typing import TypeVar

from textual import work

from ageui.store import RunRow
from ageui.text.sentences import counted
from ageui.tui import changes
from ageui.tui.changes import Change
from ageui.tui.dialogs.prompts import LinePrompt
from ageui.tui.live import LiveScreen
from ageui.tui.messages import MOST_COMPARED, OpenComparison, OpenNewRun
from ageui.tui.run_actions import copy_run_command, derive_runs, remove_archived, retry_run
from ageui.tui.widgets.paged_table import PagedTable

Snapshot = TypeVar("Snapshot")


class TargetActions(LiveScreen[Snapshot]):
    """A subclass knows the rows. Keys do not change selected runs hidden by the filter; comparisons include them."""

    @property
    def table(self) -> PagedTable:
        return self.query_one(PagedTable)

    def current(self) -> RunRow | None:
        """The run under the cursor, or the first one of a folded row."""
        raise NotImplementedError

    def under_cursor(self) -> tuple[int, ...]:
        """The ids of the runs of the row under the cursor."""
        raise NotImplementedError

    def hidden(self) -> frozenset[int]:
        """The ids of the selected runs that the filter hides."""
        raise NotImplementedError

    def selection_sentence(self) -> str:
        """`3 selected, 2 of them hidden by the filter`."""
        selected, hidden = len(self.table.selected), len(self.hidden())
        return f"{selected:,} selected" + (f", {hidden:,} of them hidden by the filter" if hidden else "")

    def targets(self) -> list[int]:
        """The ids of the runs to change. Reports selected runs skipped because they are hidden."""
        selected, hidden = self.table.selected, self.hidden()
        if not selected:
            return sorted(self.under_cursor())
        if hidden:
            left_out = counted(len(hidden), "selected run")
            self.app.tell(f"{left_out} left out, hidden by the filter; esc deselects all", severity="warning")
        return sorted(selected - hidden)

    def _change(self, make: Callable[[list[int]], Change]) -> None:
        if targets := self.targets():
            self.app.change(make(targets))

    def action_duplicate(self) -> None:
        if (row := self.current()) is not None:
            self.post_message(OpenNewRun(row.id))

    def action_compare(self) -> None:
        targets = sorted(self.table.selected or self.under_cursor())
        if len(targets) > MOST_COMPARED:
            most = f"a comparison holds at most {MOST_COMPARED}"
            self.app.tell(f"{len(targets):,} runs are selected; {most}", severity="warning")
        elif targets:
            self.post_message(OpenComparison(tuple(targets)))

    def action_pause(self) -> None:
        self._change(changes.pause)

    def action_resume(self) -> None:
        self._change(changes.resume)

    def action_cancel(self) -> None:
        self._change(changes.cancel)

    def action_retry(self) -> None:
        row, targets = self.current(), self.targets()
        if row is not None and targets == [row.id]:
            retry_run(self.app, row)
        elif targets:
            self.app.change(changes.retry(targets))

    def action_move_up(self) -> None:
        self._move(-1)

    def action_move_down(self) -> None:
        self._move(1)

    def _move(self, by: int) -> None:
        if (row := self.current()) is not None:
            self.app.change(changes.move(row.id, by))

    def action_archive(self) -> None:
        if targets := self.targets():
            self.app.change(changes.archive(targets), self._deselect)

    def _deselect(self, made: bool) -> None:
        if made:
            self.table.select(self.hidden())

    def action_unarchive(self) -> None:
        self._change(changes.unarchive)

    @work(group="changes", exit_on_error=False)
    async def action_remove(self) -> None:
        if targets := self.targets():
            await remove_archived(self.app, targets, self._deselect)

    @work(group="changes", exit_on_error=False)
    async def action_copy_command(self) -> None:
        if (row := self.current()) is not None:
            await copy_run_command(self.app, row.id)

    @work(group="changes", exit_on_error=False)
    async def action_derive(self, command: str) -> None:
        if targets := self.targets():
            await derive_runs(self.app, command, targets)

    # Edits

    def action_tags(self) -> None:
        row, targets = self.current(), self.targets()
        if not targets:
            return
        # The tags of several runs may differ, so the prompt adds and removes tags instead of replacing them.
        one = row if row is not None and targets == [row.id] else None

        def edited(text: str) -> None:
            words = text.replace(",", " ").split()
            if one is not None:
                self.app.change(changes.tag(targets, words))
            elif words:
                self.app.change(changes.add_tags(targets, words))

        many = f"Tags to add to {counted(len(targets), 'run')}, separated by spaces; -tag removes one"
        title = f"Tags of {one.name}, separated by spaces" if one is not None else many
        tags = "".join(f"{tag} " for tag in one.tags) if one is not None else ""
        LinePrompt(title, tags).ask(self.app, edited)

    def action_note(self) -> None:
        if (row := self.current()) is not None:
            prompt = LinePrompt(f"Note on {row.name}", row.note or "")
            prompt.ask(self.app, lambda text: self.app.change(changes.note(row.id, text.strip() or None)))

    def action_rename(self) -> None:
        if (row := self.current()) is None:
            return

        def edited(text: str) -> None:
            if text != row.name:
                self.app.change(changes.rename(row.id, text))

        LinePrompt(f"New name of {row.name}", row.name).ask(self.app, edited)
