"""`ageui run` as a person starts it, with the time at which it heard of each event."""

import sys
import time
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import ageui.worker.foreground as foreground
from ageui.cli import main
from engine.events import Event

TOLD = ("what", "stage", "kind", "split", "outcome")


def record(arguments: list[str]) -> dict[str, Any]:
    """Runs `ageui run`; when its engine was asked for, and when each event arrived, in seconds since 1970."""
    events: list[dict[str, Any]] = []
    asked: list[float] = []
    work_on = foreground.Foreground.work_on

    def recorded(self: foreground.Foreground, claim: Any, *, emit: Callable[[Event], None], **rest: Any) -> Any:
        asked.append(time.time())

        def both(event: Event) -> None:
            told = {field.name: getattr(event, field.name) for field in fields(event) if field.name in TOLD}
            events.append({"time": time.time(), "event": type(event).__name__, **told})
            emit(event)

        return work_on(self, claim, emit=both, **rest)

    foreground.Foreground.work_on = recorded  # type: ignore[method-assign]
    sys.argv = ["ageui", "run", *arguments]
    try:
        main()
    except SystemExit as left:
        if left.code:
            raise
    return {"engine_asked_for": asked[0], "events": events}
