"""The keys of a screen, in its last line."""

from typing import Any

from textual.app import ComposeResult
from textual.screen import Screen
from textual.widgets import Footer

_HELP = ("help", "app.help")


class KeyFooter(Footer):
    """Changes only with the keys, where Textual's footer is composed anew for every widget that gets the focus.

    The key that lists all keys stands at the right, in view at every width.
    """

    def __init__(self) -> None:
        super().__init__(show_command_palette=False)
        self._keys: list[tuple[object, bool]] = []

    def bindings_changed(self, screen: Screen[Any]) -> None:
        active = screen.active_bindings.values()
        keys: list[tuple[object, bool]] = [(one.binding, one.enabled) for one in active if one.binding.show]
        if keys != self._keys and screen.app.app_focus:
            self._keys = keys
            super().bindings_changed(screen)

    def compose(self) -> ComposeResult:
        for widget in super().compose():
            yield widget.add_class("-command-palette") if getattr(widget, "action", "") in _HELP else widget
