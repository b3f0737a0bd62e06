"""The base class of all dialogs."""

from collections.abc import Callable
from typing import ClassVar, TypeVar

from textual.app import App
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

Answered = TypeVar("Answered")


class Dialog(ModalScreen[Answered | None]):
    """A box over a screen that returns an answer, or None after escape."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "leave", show=False)]

    def ask(self, app: App[None], then: Callable[[Answered], object]) -> None:
        """Opens the dialog, and calls `then` with its answer, if any."""

        def answered(answer: Answered | None) -> None:
            if answer is not None:
                then(answer)

        app.push_screen(self, answered)

    def action_leave(self) -> None:
        self.dismiss(None)
