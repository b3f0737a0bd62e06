"""This machine as a place: an engine's process trains one run after another, and is kept between them."""

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from ageui.files.locks import Lock
from ageui.worker.oom_kills import oom_kills
from ageui.worker.places.engine_child import ENGINE, EngineChild
from ageui.worker.places.protocol import Exit
from engine.events import Released
from engine.request import RunRequest
from engine.wire import Decoder, Message

IDLE_SECONDS = 15.0


class EngineProcess(EngineChild):
    """An engine on this machine, whose events are read from its pipe."""

    where = None

    def __init__(self, log: Path, command: Sequence[str], environment: Mapping[str, str]) -> None:
        super().__init__(log, command, environment)
        self._decoder = Decoder()
        self._kills_before = 0
        self.is_idle = True

    def begin(self, request: RunRequest, log: Path, locks: Sequence[int] = ()) -> None:
        """Hands a run to an idle engine, with its own log file, see `send`."""
        self.is_idle = False
        self._kills_before = oom_kills()
        self.send(request.line(), log, locks)

    def read(self, seconds: float) -> Iterator[Message]:
        self.wait(seconds)
        yield from self._messages(self.receive())

    def rest(self) -> Iterator[Message]:
        while content := self.receive():
            yield from self._messages(content)

    def note(self) -> dict[str, Any]:
        return {"engine": self.process.note()}

    def oom_kills(self) -> int:
        """The number of processes that the system killed for lack of memory since the run began."""
        return oom_kills() - self._kills_before

    def _messages(self, content: bytes) -> Iterator[Message]:
        for message in self._decoder.feed(content):
            if isinstance(message.event, Released):
                self.is_idle = True
            else:
                yield message


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

    def start(self, request: RunRequest, log: Path, locks: Sequence[Lock]) -> EngineProcess:
        engine = self._take(log)
        try:
            engine.begin(request, log, [lock.descriptor for lock in locks])
        except BaseException:
            engine.close()
            raise
        return engine

    def let_go(self, engine: EngineProcess) -> Exit:
        """Keeps an engine that has finished with the run, and ends any other."""
        if engine.is_idle and not engine.is_stopping:
            self.keep(engine)
            return Exit(0)
        return Exit(engine.close(), engine.oom_kills())

    def _take(self, log: Path) -> EngineProcess:
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
