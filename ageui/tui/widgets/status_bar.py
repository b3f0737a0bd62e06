"""The line at the top of every screen: database and subject, the load of the devices, and the queue."""

from collections import deque

from rich.text import Text
from textual import getters

from ageui.present.terminal import shortened
from ageui.text.clean import clean
from ageui.tui.base_app import BaseApp
from ageui.tui.device_loads import DeviceLoad
from ageui.tui.queue_state import QueueState
from ageui.tui.widgets.text_line import TextLine

_SPARKS = " ▁▂▃▄▅▆▇█"
_HISTORY = 8
_SHORTEST_REASON = 24


class StatusBar(TextLine):
    """`about` is the subject of the screen, empty for the home screen; signals bring the rest.

    A covered screen draws nothing.
    """

    app = getters.app(BaseApp)

    DEFAULT_CSS = """
    StatusBar {
        background: $panel;
        color: $foreground;
        padding: 0 1;
    }
    """

    def __init__(self, about: str = "") -> None:
        super().__init__()
        self._about = about
        self._state = QueueState()
        self._loads: tuple[DeviceLoad, ...] = ()
        self._history: dict[str, deque[float]] = {}

    def on_mount(self) -> None:
        self.app.loads_changed.subscribe(self, self._show_loads)
        self.app.queue_changed.subscribe(self, self._show_queue)
        self._state = self.app.queue_state or self._state
        self.draw()

    def on_unmount(self) -> None:
        self.app.unsubscribe(self)

    def on_resize(self) -> None:
        self.draw()

    def show_about(self, about: str) -> None:
        self._about = about
        self.draw()

    def _show_queue(self, state: QueueState) -> None:
        self._state = state
        self.draw()

    def _show_loads(self, loads: tuple[DeviceLoad, ...]) -> None:
        self._loads = loads
        for load in loads:
            self._history.setdefault(load.name, deque(maxlen=_HISTORY)).append(load.load)
        self.draw()

    def draw(self) -> None:
        if not self.screen.is_current:
            return
        name = self.app.store.path.name + ("" if self.app.permissions.changes else " (read-only)")
        place = " › ".join(filter(None, (name, self._about)))
        left = Text.assemble(("ageui", "bold"), "  ", clean(place))
        right = Text("   ").join([*self._devices(), self._queue()])
        gap = self.size.width - left.cell_len - right.cell_len
        if gap < 2:
            left.truncate(max(0, self.size.width - right.cell_len - 2), overflow="ellipsis")
            gap = self.size.width - left.cell_len - right.cell_len
        self.put(Text.assemble(left, " " * max(1, gap), right))

    def _devices(self) -> list[Text]:
        shown = self._loads if self.size.width >= 100 else ()
        return [
            Text(f"{load.name} {self._sparks(load.name)} {load.load:>4.0%} {load.memory}", style="dim")
            for load in shown[:2]
        ]

    def _sparks(self, name: str) -> str:
        return "".join(_SPARKS[round(value * (len(_SPARKS) - 1))] for value in self._history.get(name, ()))

    def _queue(self) -> Text:
        """The reason why the queue waits, then the numbers of running, queued and held runs."""
        state = self._state
        running, queued = state.counts.get("running", 0), state.counts.get("queued", 0)
        counts = f"{running} running · {queued} queued" + (f" · {state.held} held" if state.held else "")
        return Text(f"{waiting} · ").append(counts, "not bold") if (waiting := self._waiting()) else Text(counts)

    def _waiting(self) -> str:
        state, room = self._state, max(_SHORTEST_REASON, self.size.width // 3)
        if state.pause_reason is not None:
            return f"⏸ {shortened(clean(state.pause_words), room)}, H resumes"
        if state.unserved:
            named = [device for device in state.unserved if device != "auto"] if state.running else []
            which = f" for {', '.join(named)}" if named else ""
            return f"! {shortened(f'no worker{which}', room)}, W starts one"
        return shortened(clean(f"waits: {'; '.join(state.waits)}"), room) if state.waits else ""
