"""Picks runs to add to a comparison from a list that filters as a person types."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual import getters, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Input, Label, OptionList
from textual.widgets.option_list import Option
from textual.worker import Worker

from ageui.compare.differing_settings import differing_settings, label
from ageui.present.figures import number
from ageui.present.terminal import shortened
from ageui.store import RunRow, Store
from ageui.text.clean import clean
from ageui.text.states import state_of
from ageui.tui.base_app import BaseApp
from ageui.tui.debounce import Debounce
from ageui.tui.dialogs.dialog import Dialog
from engine.errors import AgeUIError

_MOST_SHOWN = 200
_NAME_CELLS = 24


@dataclass(frozen=True)
class Candidates:
    """Runs to choose from, the likeliest first, and the config fields in which they differ."""

    rows: tuple[RunRow, ...]
    differing: tuple[str, ...]


def candidates(store: Store, filter: str, chosen: Sequence[int]) -> Candidates:
    """The runs that match a filter and are not chosen: first those on the same data, then the newest.

    Without a filter, runs with scores come first. Raises `ConfigError` for an invalid filter.
    """
    data = {row.config.get("data") for row in store.runs.get_many(chosen).values()}
    found = [row for row in store.runs.search(filter, limit=_MOST_SHOWN + len(chosen)) if row.id not in chosen]
    found.sort(key=lambda row: (row.config.get("data") not in data, row.summary.mae is None and not filter))
    return Candidates(tuple(found[:_MOST_SHOWN]), differing_settings([row.config for row in found]))


class RunPicker(Dialog[None]):
    """Calls `add` with each picked run, for at most `room` runs. Stays open until then."""

    app = getters.app(BaseApp)
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "down", "down", show=False),
        Binding("up", "up", "up", show=False),
    ]

    def __init__(self, title: str, chosen: Sequence[int], room: int, add: Callable[[int], None]) -> None:
        super().__init__()
        self._title, self._chosen, self._room, self._add = title, list(chosen), room, add
        self._fills = 0
        self._fill_at_rest = Debounce(self, self._fill_soon)

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Label(Text(clean(self._title), style="bold"), markup=False, id="title")
            yield Input(placeholder="filter: loss=mape status=done name:otter", select_on_focus=False)
            yield OptionList()
            yield Label(markup=False, id="hint")

    def on_mount(self) -> None:
        self.query_one(Input).focus()
        self._fill_soon()

    @on(Input.Changed)
    def _typed(self) -> None:
        self._fill_at_rest()

    @on(Worker.StateChanged)
    def _tell_unexpected_error(self, event: Worker.StateChanged) -> None:
        self.app.tell_unexpected_error(event)

    def _fill_soon(self) -> None:
        self._fills += 1
        self.run_worker(self._fill(self._fills, self.query_one(Input).value), group="filling", exit_on_error=False)

    async def _fill(self, number: int, filter: str) -> None:
        chosen = list(self._chosen)
        try:
            found = await asyncio.to_thread(candidates, self.app.store, filter.strip(), chosen)
        except AgeUIError as error:
            if number == self._fills and self.is_attached:
                self._say(str(error).splitlines()[0])
            return
        if number == self._fills and self.is_attached:
            self._show(found)

    def _show(self, found: Candidates) -> None:
        options = self.query_one(OptionList)
        at = options.highlighted or 0
        options.clear_options()
        options.add_options([Option(_line(row, found.differing), str(row.id)) for row in found.rows])
        if found.rows:
            options.highlighted = min(at, len(found.rows) - 1)
        self._say("enter adds · esc closes" if found.rows else "no other run found · esc closes")

    def _say(self, hint: str) -> None:
        self.query_one("#hint", Label).update(Text(clean(hint), style="dim"))

    @on(Input.Submitted)
    @on(OptionList.OptionSelected)
    def _take(self) -> None:
        options = self.query_one(OptionList)
        if options.highlighted is None or not options.option_count:
            return
        run_id = int(str(options.get_option_at_index(options.highlighted).id))
        if run_id in self._chosen:
            return  # just chosen; the list is about to be refilled
        self._chosen.append(run_id)
        self._room -= 1
        self._add(run_id)
        if self._room <= 0:
            self.dismiss()
            return
        self.query_one("#title", Label).update(Text(f"{len(self._chosen)} runs; add others?", style="bold"))
        self._fill_soon()

    def action_down(self) -> None:
        self.query_one(OptionList).action_cursor_down()

    def action_up(self) -> None:
        self.query_one(OptionList).action_cursor_up()


def _line(row: RunRow, differing: Sequence[str]) -> Text:
    name = shortened(clean(row.name), _NAME_CELLS)
    mae = number(row.summary.mae)
    figures = f"{row.id:>5}  {mae:>6}  " if row.status == "done" else f"{row.id:>5}  {state_of(row)}  "
    return Text.assemble(
        (name + " " * (_NAME_CELLS + 1 - Text(name).cell_len), "bold"),
        figures,
        (clean(label(row.config, differing) if differing else str(row.config.get("loss", ""))), "dim"),
    )
