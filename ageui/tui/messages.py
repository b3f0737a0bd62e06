"""Messages that ask the application to open a screen. They bubble up to it, because only it knows all screens."""

from dataclasses import dataclass

from textual.message import Message

MOST_COMPARED = 150
"""The largest number of compared runs; two of the report's tables with five seeds have 130."""


@dataclass
class OpenRun(Message):
    """Opens the screen of a run."""

    run_id: int


@dataclass
class OpenComparison(Message):
    """Opens the comparison of the first `MOST_COMPARED` of these runs."""

    run_ids: tuple[int, ...]


@dataclass
class OpenNewRun(Message):
    """Opens the form for new runs, prefilled with the config of the run `like`, if any."""

    like: int | None = None
