"""Goes through the parts within the time, and keeps the table up to date."""

import sys
import time
from dataclasses import asdict
from typing import Any

from check import Check
from document import Document
from parts import Part, shares
from server import CutOff, PartError, Server


class Run:
    """Measures parts, one after the other, until the minutes are over; `failed` are the names of those that failed."""

    def __init__(self, check: Check, document: Document, server: Server, minutes: float) -> None:
        self._check, self._document, self._server, self._minutes = check, document, server, minutes
        self._deadline = time.monotonic() + 60 * minutes
        self._found: dict[str, Any] = {}
        self.failed: list[str] = []

    def measure_all(self, parts: tuple[Part, ...]) -> None:
        """Measures every part that there is time for; the table says why others are left out."""
        for place, part in enumerate(parts, start=1):
            room = shares(part, parts[place:], self._deadline - time.monotonic(), self._minutes)
            state = self._why_left_out(part, room) or self._measured(part, room)
            self._set_state(part, state)
            if part.essential and state:
                self.failed.append(part.name)
                return

    def _why_left_out(self, part: Part, room: float) -> str:
        if part.missing:
            return f"left out: needs {' and '.join(part.missing)}"
        if room < part.least:
            return f"left out: needs {part.least:.0f} s, and {max(room, 0):.0f} s are left for it"
        return ""

    def _measured(self, part: Part, room: float) -> str:
        """Measures a part; the reason if it did not come to its end."""
        self._set_state(part, "running")
        request = {
            "check": asdict(self._check),
            "seconds": room,
            "found": self._found,
            "module": part.module,
            "arguments": part.arguments,
        }
        begin = time.monotonic()
        try:
            self._server.measure(request, room, lambda told: self._hear(part, told))
        except CutOff as cut:
            return str(cut)
        except PartError as error:
            self.failed.append(part.name)
            return str(error)
        finally:
            self._document.sections[part.name].seconds = time.monotonic() - begin
        return ""

    def _hear(self, part: Part, told: dict[str, Any]) -> None:
        if "figure" in told:
            name, figure = told["figure"]
            self._found[name] = figure
            return
        what, measured, beside = told["row"]
        sys.stderr.write(f"  {what}: {measured}{'; ' if beside else ''}{beside}\n")
        self._document.sections[part.name].rows[what] = (measured, beside)
        self._document.write()

    def _set_state(self, part: Part, state: str) -> None:
        sys.stderr.write(f"{part.name}: {state or 'done'}\n")
        self._document.sections[part.name].state = state
        self._document.write()
