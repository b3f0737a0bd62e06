"""How the status of a run is shown: a symbol beside the word, so that nothing depends on colour."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ageui.store import RunRow

SYMBOLS = {
    "queued": "·",
    "running": "▶",
    "paused": "⏸",
    "done": "✓",
    "diverged": "≈",
    "failed": "✗",
    "cancelled": "⊘",
    "interrupted": "‖",
}
PUBLISHED = "◆ published"
_BECOMING = {"pause": "pausing", "cancel": "cancelling", "kill": "cancelling"}


def state_of(row: "RunRow") -> str:
    """A run's status with its symbol, or what it is about to become; of figures out of the report that they are."""
    if row.is_published:
        return PUBLISHED
    return f"{SYMBOLS.get(row.status, '?')} {_BECOMING.get(row.request or '', row.status)}"
