"""The words and symbols for a run's status, so that nothing depends on colour, and the reasons for missing scores."""

from typing import Protocol

SYMBOLS = {
    "queued": "·",
    "running": "▶",
    "paused": "⏸",
    "done": "✓",
    "diverged": "↯",
    "failed": "✗",
    "cancelled": "⊘",
    "interrupted": "‖",
}
PUBLISHED = "◆ published"
IMPORTED = "◆ imported"
DERIVED = "∑ derived"
LOST = "the processes are gone: they were killed, or the machine was switched off"
"""Why a run is lost. It is stored as running; commands that only read the database show it as `lost`."""
_SCORED_LATER = ("queued", "running", "paused", "interrupted", "lost")
_BECOMING = {"pause": "pausing", "cancel": "cancelling", "kill": "cancelling"}


class RunState(Protocol):
    """A run's status, and the pending request to it (`pause`, `cancel`, `kill`)."""

    @property
    def status(self) -> str: ...
    @property
    def request(self) -> str | None: ...
    @property
    def is_published(self) -> bool: ...
    @property
    def is_imported(self) -> bool: ...
    @property
    def is_derived(self) -> bool: ...


def state_of(row: RunState) -> str:
    """A run's status, or the status that it is changing to, with its symbol; `◆ published` for published
    figures, `◆ imported` for those of another tool, `∑ derived` for those made from other runs."""
    if row.is_published:
        return IMPORTED if row.is_imported else PUBLISHED
    if row.is_derived:
        return DERIVED
    becoming = _BECOMING.get(row.request or "") if row.status == "running" else None
    return f"{SYMBOLS.get(row.status, '?')} {becoming or row.status}"


def why_no_scores(row: RunState) -> str:
    """The reason why a run has no scores: it is not trained yet, diverged, was not evaluated, or is published."""
    if row.is_published:
        return f"its figures are from {_origin(row)}: it was not trained here, so it has no predictions or intervals"
    if row.status in _SCORED_LATER:
        return f"no scores yet: the run is {row.status} and is scored after training"
    if row.status == "diverged":
        return "no scores: the run diverged and its weights were not scored"
    return "no scores: the run was not evaluated"


def not_trained_text(row: RunState) -> str:
    """The origin of published or imported figures: `from the report, not trained here`."""
    return f"from {_origin(row)}, not trained here"


def _origin(row: RunState) -> str:
    return "another tool" if row.is_imported else "the report"


def diverged_text(kept_epoch: int | None) -> str:
    """The weights behind the scores of a diverged run; `kept_epoch` is None if they were removed."""
    which = "the best epoch" if kept_epoch is None else f"epoch {kept_epoch}"
    return f"diverged: the scores are those of {which}, whose weights were kept before the loss became non-finite"


def symbols_text() -> str:
    """The meaning of the symbols: `· queued  ▶ running  …`."""
    return "  ".join(f"{symbol} {status}" for status, symbol in SYMBOLS.items())
