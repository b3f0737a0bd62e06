"""What this machine has to say about runs to queue. Checks networks in the background."""

import asyncio
from collections.abc import Sequence

from textual.message import Message
from textual.widgets import Static

from ageui.memory.expected_memory import ExpectedMemory
from ageui.planning.known_networks import KnownNetworks
from ageui.text.clean import clean
from engine.checked_networks import NetworkChecker, NetworkKey


class MachineLine(Static):
    """Warnings about first weights, and the peak memory.

    Posts `Checked` when missing networks were checked. Only one process checks at a time; leaving the screen stops it.
    """

    DEFAULT_CSS = """
    MachineLine {
        height: auto;
        max-height: 2;
        color: $text-muted;
        &.-too-much { color: $text-error; }
    }
    """

    class Checked(Message):
        pass

    def __init__(self, networks: KnownNetworks, *, id: str) -> None:
        super().__init__(id=id, markup=False)
        self._networks = networks
        self._is_checking = False
        self._checker: NetworkChecker | None = None

    def show(self, warnings: Sequence[str], memory: ExpectedMemory, missing: Sequence[NetworkKey]) -> None:
        checking = "networks: being checked" if missing else ""
        self.update(clean("; ".join(filter(None, (*warnings, memory.text, checking)))))
        self.set_class(memory.is_too_much, "-too-much")
        if missing and not self._is_checking:
            self._is_checking = True
            # A worker of the screen, which reports unexpected errors.
            self.screen.run_worker(self._check(missing), group="checking", exit_on_error=False)

    async def _check(self, missing: Sequence[NetworkKey]) -> None:
        try:
            await asyncio.to_thread(self._networks.check, missing, self._note_checker)
        finally:
            self._is_checking = False
        self.post_message(self.Checked())

    def _note_checker(self, checker: NetworkChecker) -> None:
        """Called in the thread that waits for the check. Stops it if the form was left meanwhile."""
        self._checker = checker
        if not self.is_attached:
            checker.stop()

    def on_unmount(self) -> None:
        if self._checker is not None:
            self._checker.stop()
