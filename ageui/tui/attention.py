"""Announces ends of runs to people who look elsewhere, with the terminal's bell and title."""

from collections.abc import Callable, Sequence

from ageui.files.own_settings import Notify
from ageui.present.figures import number
from ageui.store import RunRow
from ageui.text.clean import clean
from ageui.tui.queue_state import QueueState

_SAVE, _RESTORE, _BELL = "\x1b[22;2t", "\x1b[23;2t", "\a"
_LONGEST_NAME = 40


class Attention:
    """Rings the bell at ends, and shows the newest end (until somebody looks) and the queue in the terminal's title.

    `write` sends text to the terminal, including tmux. `leave` restores the terminal's own title.
    """

    def __init__(self, settings: Notify, write: Callable[[str], None]) -> None:
        self._settings, self._write = settings, write
        self._state: QueueState | None = None
        self._end = self._shown = ""

    def show(self, state: QueueState, ended: Sequence[RunRow]) -> None:
        """Takes the state of the queue, and the runs that ended since the previous state."""
        self._state = state
        if ended:
            self._end = _end_words(ended[-1])
            if self._settings.bell:
                self._write(_BELL)
        self._draw()

    def notice(self) -> None:
        """Removes the newest end from the title, because somebody looks."""
        if self._end:
            self._end = ""
            self._draw()

    def leave(self) -> None:
        if self._shown:
            self._write(f"{_title('')}{_RESTORE}")
            self._shown = ""

    def come_back(self) -> None:
        """Shows the title again after `leave`."""
        self._draw()

    def _draw(self) -> None:
        if self._state is None or not self._settings.title:
            return
        title = " · ".join(filter(None, (self._end, _queue_words(self._state))))
        if title != self._shown:
            self._write(f"{'' if self._shown else _SAVE}{_title(title)}")
            self._shown = title


def _queue_words(state: QueueState) -> str:
    running, queued = state.counts.get("running", 0), state.counts.get("queued", 0)
    if not running and not queued:
        return "ageui: queue empty"
    return f"ageui: {running:,} running, {queued:,} queued"


def _end_words(row: RunRow) -> str:
    name = clean(row.name)[:_LONGEST_NAME]
    if row.status != "done":
        return f"✗ {name} {row.status}"
    return f"✓ {name}" + (f" MAE {number(row.summary.mae)}" if row.summary.mae is not None else "")


def _title(text: str) -> str:
    """The sequence that sets the title of the terminal, or of the pane in tmux."""
    return f"\x1b]2;{text}\x1b\\"
