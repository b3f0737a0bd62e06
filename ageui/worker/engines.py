"""The engine's process between two runs: kept, so that the next run finds all imported and loaded."""

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from ageui.worker.engine_process import ENGINE, EngineProcess

IDLE_SECONDS = 15.0


class Engines:
    """Starts engines, and keeps the one whose run came to its end for whoever wants one next.

    `close` ends the kept one, which has its memory until then.
    """

    def __init__(self, command: Sequence[str] = ENGINE, environment: Mapping[str, str] | None = None) -> None:
        """`environment` is added to this process' own."""
        self._command, self._environment = command, environment or {}
        self._kept: EngineProcess | None = None
        self._kept_since = 0.0

    def start_ahead(self) -> None:
        """Has an engine start up while its first run is still being prepared."""
        if self._kept is None:
            self.keep(EngineProcess(Path(os.devnull), self._command, self._environment))

    def take(self, log: Path) -> EngineProcess:
        """An idle engine; a new one writes to `log` what it has to say before its first run."""
        kept, self._kept = self._kept, None
        if kept is not None:
            if not kept.has_ended:
                return kept
            kept.close()
        return EngineProcess(log, self._command, self._environment)

    def keep(self, engine: EngineProcess) -> None:
        """Takes back an idle engine."""
        self.close()
        self._kept, self._kept_since = engine, time.monotonic()

    def close(self, idle_seconds: float = 0.0) -> None:
        """Ends the kept engine, if it has been idle for so long."""
        if self._kept is not None and time.monotonic() - self._kept_since >= idle_seconds:
            self._kept.close()
            self._kept = None
