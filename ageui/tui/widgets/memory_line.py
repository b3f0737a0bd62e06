"""The forecast of the memory that runs will need. Counts missing footprints in the background."""

import asyncio
from collections.abc import Sequence

from textual.message import Message
from textual.widgets import Static

from ageui.memory.forecast import Forecast, Forecaster
from ageui.text.clean import clean
from engine.footprints import FootprintCounter, NetworkKey


class MemoryLine(Static):
    """Posts `Counted` when the missing footprints of a forecast are known, and a new forecast is possible.

    Only one process counts at a time; leaving the screen stops it.
    """

    DEFAULT_CSS = """
    MemoryLine {
        height: auto;
        max-height: 2;
        color: $text-muted;
        &.-too-much { color: $text-error; }
    }
    """

    class Counted(Message):
        pass

    def __init__(self, forecaster: Forecaster, *, id: str) -> None:
        super().__init__(id=id, markup=False)
        self._forecaster = forecaster
        self._is_counting = False
        self._counter: FootprintCounter | None = None

    def show(self, forecast: Forecast) -> None:
        self.update(clean("; ".join(filter(None, (*forecast.warnings, forecast.text)))))
        self.set_class(forecast.is_too_much, "-too-much")
        if forecast.missing and not self._is_counting:
            self._is_counting = True
            # A worker of the screen, which reports unexpected errors.
            self.screen.run_worker(self._count(forecast.missing), group="counting", exit_on_error=False)

    async def _count(self, wanted: Sequence[NetworkKey]) -> None:
        try:
            await asyncio.to_thread(self._forecaster.count, wanted, self._note_counter)
        finally:
            self._is_counting = False
        self.post_message(self.Counted())

    def _note_counter(self, counter: FootprintCounter) -> None:
        """Called in the thread that waits for the count. Stops the count if the form was left meanwhile."""
        self._counter = counter
        if not self.is_attached:
            counter.stop()

    def on_unmount(self) -> None:
        if self._counter is not None:
            self._counter.stop()
