"""The keys of a screen, in its last line."""

from dataclasses import dataclass
from typing import Any

from rich.text import Text
from textual import events
from textual.screen import Screen

from ageui.tui.widgets.text_line import TextLine

_HELP = ("help", "app.help")
_GAP = 2


@dataclass(frozen=True)
class _Shown:
    """A key of the line: its label, its action, and whether it is active now."""

    key: str
    display: str
    label: str
    tooltip: str
    enabled: bool

    @property
    def width(self) -> int:
        return Text(f"{self.display} {self.label}").cell_len


class KeyFooter(TextLine):
    """As many keys as fit in a line; the key that lists all keys stays at the right at every width.

    A single widget, because Textual's footer has a widget per key, whose styles take longer than a screen's own. A
    click presses a key.
    """

    DEFAULT_CSS = """
    KeyFooter {
        dock: bottom;
        background: $panel;
        color: $footer-description-foreground;
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._keys: tuple[_Shown, ...] = ()
        self._help: _Shown | None = None
        self._places: list[tuple[range, _Shown]] = []

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._read)
        self.app.theme_changed_signal.subscribe(self, lambda theme: self._draw())
        self._read(self.screen)

    def on_unmount(self) -> None:
        self.app.theme_changed_signal.unsubscribe(self)

    def on_resize(self) -> None:
        self._draw()

    def _read(self, screen: Screen[Any]) -> None:
        if not screen.app.app_focus:
            return
        found = {}
        for active in screen.active_bindings.values():
            binding = active.binding
            if binding.show and binding.action not in found:
                display = screen.app.get_key_display(binding)
                tooltip = active.tooltip or binding.tooltip or binding.description
                found[binding.action] = _Shown(binding.key, display, binding.description, tooltip, active.enabled)
        shown_help = next((found.pop(action) for action in _HELP if action in found), None)
        keys = tuple(found.values())
        if (keys, shown_help) != (self._keys, self._help):
            self._keys, self._help = keys, shown_help
            self._draw()

    def _draw(self) -> None:
        room = self.size.width - (self._help.width + _GAP + 1 if self._help else 0)
        line, self._places = Text(), []
        for key in self._keys:
            if line.cell_len + 1 + key.width > room:
                break
            self._add(line, key, 1 if not self._places else _GAP)
        if self._help:
            line.append(" " * max(0, room - line.cell_len))
            line.append("▏", "dim")
            self._add(line, self._help, 1)
        self.put(line)

    def _add(self, line: Text, key: _Shown, gap: int) -> None:
        line.append(" " * gap)
        begin = line.cell_len
        accent = self.app.theme_variables["footer-key-foreground"]
        line.append(key.display, f"bold {accent}" if key.enabled else "dim").append(" ")
        line.append(key.label, "" if key.enabled else "dim")
        self._places.append((range(begin, line.cell_len), key))

    def _at(self, column: int) -> _Shown | None:
        return next((key for place, key in self._places if column in place), None)

    def on_click(self, event: events.Click) -> None:
        if (key := self._at(event.x)) is not None:
            if key.enabled:
                self.app.simulate_key(key.key)
            else:
                self.app.bell()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        key = self._at(event.x)
        self.tooltip = key.tooltip if key else None
