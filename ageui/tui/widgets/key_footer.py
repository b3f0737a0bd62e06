"""The keys of a screen, in its last line."""

from typing import Any

from textual.screen import Screen
from textual.widgets import Footer


class KeyFooter(Footer):
    """Changes only with the keys, where Textual's footer is composed anew for every widget that gets the focus."""

    def __init__(self) -> None:
        super().__init__(show_command_palette=False)
        self._keys: list[tuple[object, bool]] = []

    def bindings_changed(self, screen: Screen[Any]) -> None:
        active = screen.active_bindings.values()
        keys: list[tuple[object, bool]] = [(one.binding, one.enabled) for one in active if one.binding.show]
        if keys != self._keys and screen.app.app_focus:
            self._keys = keys
            super().bindings_changed(screen)
