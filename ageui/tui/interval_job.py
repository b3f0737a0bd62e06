"""Computes bootstrap intervals, which take seconds, in the background for the newest figures of a screen."""

from collections.abc import Awaitable, Callable
from typing import Any, Generic, TypeVar

from ageui.tui.live import LiveScreen
from engine.errors import AgeUIError

Request = TypeVar("Request")


class IntervalJob(Generic[Request]):
    """Calls `compute` with the newest request, one at a time, then `show` after the last.

    `failure` begins the notice if `compute` raises `AgeUIError`.
    """

    def __init__(
        self,
        screen: LiveScreen[Any],
        compute: Callable[[Request], Awaitable[None]],
        show: Callable[[], None],
        failure: str,
    ) -> None:
        self._screen, self._compute, self._show, self._failure = screen, compute, show, failure
        self._request: Request | None = None
        self._is_running = False

    @property
    def is_busy(self) -> bool:
        return self._is_running or self._request is not None

    def request(self, newest: Request | None) -> None:
        """Replaces a request that has not started yet; None withdraws it."""
        self._request = newest
        if newest is not None and not self._is_running:
            self._is_running = True
            self._screen.run_worker(self._run(), group="resampling", exit_on_error=False)

    async def _run(self) -> None:
        try:
            while (request := self._request) is not None and self._screen.is_attached:
                self._request = None
                try:
                    await self._compute(request)
                except AgeUIError as error:
                    self._screen.app.tell(f"{self._failure}: {error}", severity="error")
        finally:
            self._is_running = False
            if self._screen.is_running:
                self._show()
