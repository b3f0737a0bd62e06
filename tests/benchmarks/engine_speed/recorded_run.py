"""`ageui run` as a person starts it, with the time at which it heard of each event."""

import sys
import time
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from ageui.cli import main
from ageui.worker.places.local import EngineProcess
from engine.wire import Message

TOLD = ("what", "stage", "kind", "split", "outcome")


def record(arguments: list[str]) -> dict[str, Any]:
    """Runs `ageui run`, and tells in seconds since 1970 when its engine was started, when it got the run, and when each
    event arrived.

    Nothing is imported for that before the command itself would import it.
    """
    events: list[dict[str, Any]] = []
    times: dict[str, float] = {}
    start, begin, read = EngineProcess.__init__, EngineProcess.begin, EngineProcess._messages

    def started(self: EngineProcess, *given: Any) -> None:
        times["engine_started"] = time.time()
        start(self, *given)

    def asked(self: EngineProcess, *given: Any) -> None:
        times["engine_asked_for"] = time.time()
        begin(self, *given)

    def messages(self: EngineProcess, content: bytes) -> Iterator[Message]:
        for message in read(self, content):
            event = message.event
            told = {field.name: getattr(event, field.name) for field in fields(event) if field.name in TOLD}
            events.append({"time": time.time(), "event": type(event).__name__, **told})
            yield message

    EngineProcess.__init__ = started  # type: ignore[method-assign]
    EngineProcess.begin = asked  # type: ignore[method-assign]
    EngineProcess._messages = messages  # type: ignore[method-assign]
    sys.argv = ["ageui", "run", *arguments]
    try:
        main()
    except SystemExit as left:
        if left.code:
            raise
    return {**times, "events": events}
