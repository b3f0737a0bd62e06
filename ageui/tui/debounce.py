"""Delays work until a person stops typing."""

from collections.abc import Callable

from textual.message_pump import MessagePump
from textual.timer import Timer

_REST_SECONDS = 0.1


class Debounce:
    """Calls `act` once it has not been called for a moment. Its timer belongs to `node`."""

    def __init__(self, node: MessagePump, act: Callable[[], object]) -> None:
        self._node, self._act = node, act
        self._timer: Timer | None = None

    def __call__(self) -> None:
        if self._timer is not None:
            self._timer.stop()
        self._timer = self._node.set_timer(_REST_SECONDS, self._act)
