"""Lists the views of the table of runs, to show, save, replace or delete one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from rich.cells import cell_len, set_cell_size
from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Label, OptionList
from textual.widgets.option_list import Option

from ageui.text.clean import clean
from ageui.tui.base_app import BaseApp
from ageui.tui.dialogs.dialog import Dialog
from ageui.tui.dialogs.prompts import LinePrompt
from ageui.tui.runs.saved_views import delete_view, keep_view, saved_views
from ageui.tui.runs.table_view import BUILT_IN, TableView
from engine.errors import ConfigError

_LONGEST_NAME = 24


@dataclass(frozen=True)
class ViewAnswer:
    """An action and the name of its view; saving asks for a name."""

    action: Literal["show", "save", "replace", "delete"]
    name: str = ""


class ViewPicker(Dialog[ViewAnswer]):
    """The user's views, then those built in; ● marks the one that equals `current`. Returns None after escape."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "answer('save')", "save as"),
        Binding("r", "answer('replace')", "replace"),
        Binding("x,delete", "answer('delete')", "delete"),
        Binding("f3", "leave", "leave", show=False),
    ]

    def __init__(self, saved: Mapping[str, TableView], current: TableView) -> None:
        super().__init__()
        self._own = frozenset(saved)
        self._views = {**saved, **{name: view for name, view in BUILT_IN.items() if name not in saved}}
        self._current = next((name for name, view in self._views.items() if view == current), "")

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Label(Text("Views", style="bold"))
            yield OptionList(*map(self._option, self._views))
            hint = "enter shows · s saves the current view · r replaces · x deletes · esc closes"
            yield Label(Text(hint, style="dim"), id="view-hint")

    def on_mount(self) -> None:
        options = self.query_one(OptionList)
        options.highlighted = list(self._views).index(self._current) if self._current else 0
        options.focus()

    def _option(self, name: str) -> Option:
        width = min(_LONGEST_NAME, max(map(cell_len, map(clean, self._views))))
        mark = "● " if name == self._current else "  "
        title = set_cell_size(clean(name), width)
        where = "" if name in self._own else "built in · "
        return Option(Text.assemble(mark, title, "  ", (where + clean(self._views[name].sentence()), "dim")))

    @property
    def _highlighted(self) -> str:
        return list(self._views)[self.query_one(OptionList).highlighted or 0]

    @on(OptionList.OptionSelected)
    def _chosen(self) -> None:
        self.dismiss(ViewAnswer("show", self._highlighted))

    def action_answer(self, action: Literal["save", "replace", "delete"]) -> None:
        if action == "save":
            self.dismiss(ViewAnswer("save"))
        elif self._highlighted in self._own:
            self.dismiss(ViewAnswer(action, self._highlighted))
        else:
            said = f"{clean(self._highlighted)} is built in and cannot be changed; s saves your own view"
            self.query_one("#view-hint", Label).update(Text(said, style="bold"))


def ask_for_view(app: BaseApp, current: TableView, show: Callable[[TableView], None]) -> None:
    """Lists all views, and acts on the choice: calls `show`, or saves or deletes a view.

    `current` is the table's view.
    """
    try:
        saved = saved_views()
    except ConfigError as error:
        app.tell(str(error), severity="error")
        saved = {}

    def answered(answer: ViewAnswer) -> None:
        match answer.action:
            case "show":
                view, problems = {**BUILT_IN, **saved}[answer.name].usable()
                for problem in problems:
                    app.tell(f"view {answer.name}: {problem}", severity="warning")
                show(view)
            case "save":
                prompt = LinePrompt(f"Name of this view: {current.sentence()}")
                prompt.ask(app, lambda name: app.change(keep_view(name.strip(), current)))
            case "replace":
                app.change(keep_view(answer.name, current))
            case "delete":
                app.change(delete_view(answer.name))

    ViewPicker(saved, current).ask(app, answered)
