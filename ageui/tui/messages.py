"""What screens ask the application for: messages that bubble up to it, since it alone knows which screens exist."""

from dataclasses import dataclass

from textual.message import Message

MOST_COMPARED = 150
"""The most runs to compare, each a column without folded seeds; two of the report's tables at five seeds have 130."""


@dataclass
class OpenRun(Message):
    """Opens the screen of one run."""

    run_id: int


@dataclass
class OpenComparison(Message):
    """Opens the comparison of runs; only the first `MOST_COMPARED` are compared."""

    run_ids: tuple[int, ...]


@dataclass
class OpenNewRun(Message):
    """Opens the form for new runs, prefilled with the config of the run `like`, if any."""

    like: int | None = None
