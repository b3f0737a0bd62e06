"""Keeps the engine's process between runs, so that the next run finds everything imported and loaded."""

import os
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from ageui.worker.engine_process import ENGINE, EngineProcess

IDLE_SECONDS = 15.0


class Engines:
    """Starts engines, and keeps an engine whose run ended normally for the next run.

    `close` ends the kept engine, which occupies memory until then.
    """

    def __init__(self, command: Sequence[str] = ENGINE, environment: Mapping[str, str] | None = None) -> None:
        """`environment` is added to this process's own."""
        self._command, self._environment = command, environment or {}
        self._kept: EngineProcess | None = None
        self._kept_since = 0.0

    def start_ahead(self) -> None:
        """Starts an engine while its first run is being prepared, if possible; the run itself reports a problem."""
        if self._kept is None:
            with suppress(OSError):
                self.keep(EngineProcess(Path(os.devnull), self._command, self._environment))

    def take(self, log: Path) -> EngineProcess:
        """Returns an idle engine. A new engine writes to `log` until its first run brings its own log."""
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
        """Ends the kept engine if it has been idle for `idle_seconds`."""
        if self._kept is not None and time.monotonic() - self._kept_since >= idle_seconds:
            self._kept.close()
            self._kept = None
