"""Screens over the database: read in a thread, shown in the application, read again when something was committed."""

import asyncio
from typing import TYPE_CHECKING, Generic, TypeVar, cast

from textual import on, work
from textual.screen import Screen
from textual.signal import Signal
from textual.worker import Worker

from ageui.store import Store
from engine.errors import AgeUIError

if TYPE_CHECKING:
    from ageui.tui.app import AgeUIApp

T = TypeVar("T")
_SECONDS_BEFORE_AGAIN = 3.0


class LiveScreen(Screen[None], Generic[T]):
    """A screen whose `read` runs in a thread whenever the data changed, and whose `show` gets what it returned.

    Only one read is under way at a time; what changes meanwhile is read when it is back. A screen that is out of sight
    reads and draws nothing until it is seen again, which `seen_again` tells.
    """

    def __init__(self) -> None:
        super().__init__()
        self._is_reading = False
        self._is_stale = True
        self._told = ""
        self.seen_again: Signal[None] = Signal(self, "seen again")

    @property
    def ageui(self) -> "AgeUIApp":
        return cast("AgeUIApp", self.app)

    def read(self, store: Store) -> T:
        """Everything that is shown. Called in a thread: it must not touch widgets. May raise `AgeUIError`."""
        raise NotImplementedError

    def show(self, found: T) -> None:
        """Shows what `read` returned."""
        raise NotImplementedError

    def show_error(self, error: AgeUIError) -> None:
        """Shows why there was nothing to read; a message unless a screen has a better place."""
        self.ageui.tell(str(error), severity="error")

    def forget_plans(self) -> None:
        """Called where a read failed: whatever was to be done with what it returns shall not be done later."""

    def prepare(self) -> None:
        """Called before each read, in the application: notes down what `read` needs from widgets."""

    def on_mount(self) -> None:
        self.ageui.data_changed.subscribe(self, lambda version: self.refresh_soon())

    def on_screen_resume(self) -> None:
        self.seen_again.publish(None)
        self.refresh_soon()

    def refresh_soon(self) -> None:
        """Reads and shows again, soon."""
        self._is_stale = True
        if not self._is_reading and self.is_current and self.is_running:
            self._is_reading = True
            self._read_and_show()

    @on(Worker.StateChanged)
    def _tell_unforeseen(self, event: Worker.StateChanged) -> None:
        self.ageui.tell_unforeseen(event)

    @work(group="reading", exit_on_error=False)
    async def _read_and_show(self) -> None:
        try:
            while self._is_stale and self.is_current:
                self._is_stale = False
                self.prepare()
                try:
                    found = await asyncio.to_thread(self.read, self.ageui.store)
                except AgeUIError as error:
                    self.forget_plans()
                    if str(error) != self._told:
                        self._told = str(error)
                        self.show_error(error)
                    self.set_timer(_SECONDS_BEFORE_AGAIN, self.refresh_soon)
                else:
                    self._told = ""
                    if self.is_attached:
                        self.show(found)
        except BaseException:
            self.forget_plans()
            raise
        finally:
            self._is_reading = False
