"""Work that waits until somebody has stopped typing."""

from collections.abc import Callable

from textual.message_pump import MessagePump
from textual.timer import Timer

_SECONDS_OF_REST = 0.1


class Debounce:
    """Called, it has `act` called once it was not called again for a moment; `node` is whose timer it is."""

    def __init__(self, node: MessagePump, act: Callable[[], None]) -> None:
        self._node, self._act = node, act
        self._timer: Timer | None = None

    def __call__(self) -> None:
        if self._timer is not None:
            self._timer.stop()
        self._timer = self._node.set_timer(_SECONDS_OF_REST, self._act)
