"""Screens that read the database in a thread after every commit, and show the result in the event loop."""

import asyncio
from typing import Generic, TypeVar

from textual import getters, on, work
from textual.binding import ActiveBinding
from textual.screen import Screen
from textual.widget import Widget
from textual.worker import Worker

from ageui.store import Store
from ageui.tui.base_app import BaseApp
from ageui.tui.widgets.status_bar import StatusBar
from engine.errors import AgeUIError

Snapshot = TypeVar("Snapshot")
_SECONDS_BEFORE_RETRY = 3.0


class ScreenClosed(Exception):
    """The screen was closed during a read; nobody waits for the result."""


class LiveScreen(Screen[None], Generic[Snapshot]):
    """A screen whose `read` runs in a thread whenever the data changes, and whose `show` receives the result.

    Only one read runs at a time; changes during a read start another. A covered screen reads and draws nothing until it
    is visible again.
    """

    app = getters.app(BaseApp)

    def __init__(self) -> None:
        super().__init__()
        self._is_reading = False
        self._is_stale = True
        self._is_closed = False
        self._last_error = ""

    def prepare(self) -> None:
        """Called in the event loop before each read, to copy the state of widgets that `read` needs."""

    def read(self, store: Store) -> Snapshot:
        """Returns everything to show. Runs in a thread, so do not touch widgets here. May raise `AgeUIError`."""
        raise NotImplementedError

    def check_open(self) -> None:
        """Ends a read whose screen was closed. Call it between the parts of a long `read`. Raises `ScreenClosed`."""
        if self._is_closed:
            raise ScreenClosed

    def show(self, snapshot: Snapshot) -> None:
        """Shows the result of `read`."""
        raise NotImplementedError

    def show_error(self, error: AgeUIError) -> None:
        """Shows the reason why a read failed, by default in a notice."""
        self.app.tell(str(error), severity="error")

    def cancel_pending(self) -> None:
        """Called after a failed read, to drop actions that waited for its result."""

    def action_chart(self, action: str) -> None:
        """Hands a key of curves to the chart in sight, wherever the focus is."""
        if (chart := self._chart_in_sight()) is not None:
            getattr(chart, f"action_{action}")()

    @property
    def active_bindings(self) -> dict[str, ActiveBinding]:
        """The keys to list. A key that is not allowed still acts, to tell that."""
        found = super().active_bindings
        return {key: one for key, one in found.items() if self.app.allows(one.binding.action, one.node)}

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return self._chart_in_sight() is not None if action == "chart" else super().check_action(action, parameters)

    def _chart_in_sight(self) -> Widget | None:
        """The chart with the focus, else the first visible chart."""
        charts = [chart for chart in self.query("Chart") if all(one.display for one in chart.ancestors_with_self)]
        return next((chart for chart in charts if chart.has_focus), charts[0] if charts else None)

    def on_mount(self) -> None:
        self.app.data_changed.subscribe(self, lambda version: self.refresh_soon())

    def on_unmount(self) -> None:
        self._is_closed = True
        self.app.unsubscribe(self)

    def on_screen_resume(self) -> None:
        for bar in self.query(StatusBar):
            bar.draw()
        self.refresh_soon()

    def refresh_soon(self) -> None:
        """Reads and shows again, soon."""
        self._is_stale = True
        if not self._is_reading and self.is_current and self.is_running:
            self._is_reading = True
            self._read_and_show()

    @on(Worker.StateChanged)
    def _tell_unexpected_error(self, event: Worker.StateChanged) -> None:
        self.app.tell_unexpected_error(event)

    @work(group="reading", exit_on_error=False)
    async def _read_and_show(self) -> None:
        try:
            while self._is_stale and self.is_current:
                self._is_stale = False
                self.prepare()
                try:
                    snapshot = await asyncio.to_thread(self.read, self.app.store)
                except AgeUIError as error:
                    self.cancel_pending()
                    if str(error) != self._last_error:
                        self._last_error = str(error)
                        self.show_error(error)
                    self.set_timer(_SECONDS_BEFORE_RETRY, self.refresh_soon)
                except ScreenClosed:
                    return
                else:
                    self._last_error = ""
                    if self.is_attached:
                        self.show(snapshot)
        except BaseException:
            self.cancel_pending()
            raise
        finally:
            self._is_reading = False
