"""Notices: short texts at the edge of their screen."""

from dataclasses import dataclass
from time import time

from textual import events, on
from textual.app import App, ScreenStackError
from textual.await_complete import AwaitComplete
from textual.css.query import NoMatches
from textual.notifications import Notification, Notify, SeverityLevel
from textual.screen import ModalScreen, Screen
from textual.widgets import Input
from textual.widgets._toast import ToastRack

from ageui.present.terminal import shortened
from ageui.text.clean import clean

_MOST_LINES, _MOST_CELLS = 4, 280
_SECONDS, _SECONDS_OF_PROBLEMS = 4.0, 10.0


@dataclass
class Notice(Notification):
    """A notice on a screen, or on all screens if `screen` is None. Its time starts when it is shown.

    `screen` is the `id` of the screen object.
    """

    screen: int | None = None
    is_shown: bool = False

    @property
    def has_expired(self) -> bool:
        return self.is_shown and super().has_expired

    def begin(self) -> None:
        if not self.is_shown:
            self.is_shown, self.raised_at = True, time()


class NoticeApp(App[None]):
    """An application whose notices disappear with their screen, wait for open dialogs, and avoid the typed text."""

    CSS = """
    Toast { width: auto; max-width: 76; padding: 0 1; }
    ToastRack { margin-bottom: 2; }
    ToastRack.-above { dock: top; align: right top; margin: 1 0 0 0; }
    """

    def tell(self, message: str, *, severity: SeverityLevel = "information", everywhere: bool = False) -> None:
        """Shows a notice for a few seconds, cut to a few lines. Its text may come from outside and is never markup.

        It is shown on the current screen, or with `everywhere` on any.
        """
        seconds = _SECONDS if severity == "information" else _SECONDS_OF_PROBLEMS
        lines = clean(message, lines=True).splitlines()[:_MOST_LINES]
        text = "\n".join(shortened(line, _MOST_CELLS // len(lines)) for line in lines)
        screen = None if everywhere else self._screen_of_notices()
        self.post_message(
            Notify(Notice(text, severity=severity, timeout=seconds, screen=id(screen) if screen is not None else None))
        )

    def _screen_of_notices(self) -> Screen[object] | None:
        """The screen behind all dialogs; None before the first screen exists."""
        try:
            stack = self.screen_stack
        except ScreenStackError:
            return None
        return next((screen for screen in reversed(stack) if not isinstance(screen, ModalScreen)), None)

    def pop_screen(self) -> AwaitComplete:
        for notice in list(self._notifications):
            if isinstance(notice, Notice) and notice.screen == id(self.screen):
                self._unnotify(notice, refresh=False)
        return super().pop_screen()

    def _refresh_notifications(self) -> None:
        try:
            screen = self.screen
            rack = screen.get_child_by_type(ToastRack)
        except (ScreenStackError, NoMatches):
            return
        shown: list[Notification] = []
        if not isinstance(screen, ModalScreen):
            for notice in self._notifications:
                if not isinstance(notice, Notice):
                    shown.append(notice)
                elif notice.screen in (None, id(screen)):
                    notice.begin()
                    shown.append(notice)
        self._avoid_typed_text()
        self.call_later(rack.show, shown)

    @on(events.DescendantFocus)
    def _avoid_typed_text(self) -> None:
        """Moves the notices to the other end of the screen if they could cover the focused field."""
        focused = self.screen.focused
        is_below = isinstance(focused, Input) and focused.region.y >= self.size.height // 2
        for rack in self.screen.query_children(ToastRack):
            rack.set_class(is_below, "-above")
