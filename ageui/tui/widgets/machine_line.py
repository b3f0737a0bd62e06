"""This machine's remarks on runs to queue. Checks networks in the background."""

import asyncio
from collections.abc import Sequence
from subprocess import Popen

from textual.message import Message
from textual.widgets import Static

from ageui.memory.expected_memory import ExpectedMemory
from ageui.planning.known_networks import KnownNetworks
from ageui.text.clean import clean
from engine.checked_networks import NetworkKey


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
        self._process: Popen[bytes] | None = None

    def show(self, warnings: Sequence[str], memory: ExpectedMemory, missing: Sequence[NetworkKey]) -> None:
        checking = "checking networks" if missing else ""
        self.update(clean("; ".join(filter(None, (*warnings, memory.text, checking)))))
        self.set_class(memory.is_too_much, "-too-much")
        if missing and not self._is_checking:
            self._is_checking = True
            # A worker of the screen, which reports unexpected errors.
            self.screen.run_worker(self._check(missing), group="checking", exit_on_error=False)

    async def _check(self, missing: Sequence[NetworkKey]) -> None:
        try:
            await asyncio.to_thread(self._networks.check, missing, self._note)
        finally:
            self._is_checking = False
        self.post_message(self.Checked())

    def _note(self, process: Popen[bytes]) -> None:
        """Runs in the thread that waits for the check. Kills its process if the form was left meanwhile."""
        self._process = process
        if not self.is_attached:
            process.kill()

    def on_unmount(self) -> None:
        if self._process is not None:
            self._process.kill()
