"""The protocol of events from the engine's process to its supervisor: JSON, one numbered event per line.

    {"attempt": 1, "number": 7, "event": "Noted", "message": "computing on cpu", "warning": false}

Numbers count from 0 without gaps, which reveals lost events. Non-finite floats are the words NaN, Infinity and
-Infinity, as written by Python's json. A line without a line feed is incomplete and not an event.
"""

import base64
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
from pydantic import TypeAdapter, ValidationError

from engine.data.spec import RANGE_COLUMNS
from engine.errors import RunFailedError
from engine.events import Evaluated, Event
from engine.split_result import SplitResult

if TYPE_CHECKING:
    import pandas as pd

LONGEST_LINE = 512 * 2**20
EXIT_STOPPED = 75
"""Exit code of an engine's process that left on request; its run can continue from its checkpoint."""
_READERS: dict[str, TypeAdapter[Any]] = {
    kind.__name__: TypeAdapter(kind) for kind in get_args(Event) if kind is not Evaluated
}
_RESULT = TypeAdapter(SplitResult)


class ProtocolError(RunFailedError):
    """The engine's process sent something other than an event."""

    failure = "protocol"


@dataclass(frozen=True)
class Message:
    """An event as sent: the `number`-th of `attempt`, from 0."""

    attempt: int
    number: int
    event: Event


def encode(message: Message) -> bytes:
    """The line of one event."""
    event = message.event
    fields = _scored_fields(event) if isinstance(event, Evaluated) else vars(event)
    head = {"attempt": message.attempt, "number": message.number, "event": type(event).__name__}
    # Writes records inside an event directly: `asdict` copies every value first, which is several times slower.
    return json.dumps({**head, **fields}, separators=(",", ":"), default=vars).encode() + b"\n"


def decode(line: bytes) -> Message:
    """The event of a line. Raises `ProtocolError` for a line that `encode` did not write."""
    try:
        fields = json.loads(line)
        attempt, number, name = (fields.pop(key) for key in ("attempt", "number", "event"))
        if type(attempt) is not int or type(number) is not int:
            raise ValueError("an event is not numbered")
        event = _scored(fields) if name == Evaluated.__name__ else _READERS[name].validate_python(fields)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, ValidationError) as error:
        shown = line[:80].decode(errors="replace")
        raise ProtocolError(f"the engine's process sent something other than an event ({shown!r}…): {error}") from error
    return Message(attempt, number, event)


class Decoder:
    """Turns bytes, in pieces of any length, into events. Drops an incomplete line at the end."""

    def __init__(self) -> None:
        self._pending = bytearray()

    def feed(self, content: bytes) -> Iterator[Message]:
        """Yields the events that `content` completes. Raises `ProtocolError` for other content or an endless line."""
        self._pending += content
        if b"\n" in content:
            *lines, rest = self._pending.split(b"\n")
            self._pending = rest
            for line in lines:
                yield decode(bytes(line))
        if len(self._pending) > LONGEST_LINE:
            raise ProtocolError(f"the engine's process sent {len(self._pending):,} bytes that are not an event")


def _scored_fields(event: Evaluated) -> dict[str, Any]:
    items = event.items.astype(object).where(event.items.notna(), None)
    return {
        "split": event.split,
        "selected_on": event.selected_on,
        "result": asdict(event.result),
        "items": {str(name): list(values) for name, values in items.items()},
        "predicted": base64.b64encode(np.ascontiguousarray(event.predicted, dtype="<f4").tobytes()).decode(),
    }


def _scored(fields: dict[str, Any]) -> Evaluated:
    parts = {"split", "selected_on", "result", "items", "predicted"}
    is_named = isinstance(fields.get("split"), str) and isinstance(fields.get("selected_on"), str | None)
    if fields.keys() != parts or not is_named:
        raise ValueError("a scored split lacks a part")
    import pandas as pd

    items = pd.DataFrame({name: _column(name, values) for name, values in fields["items"].items()})
    predicted = np.frombuffer(base64.b64decode(fields["predicted"], validate=True), dtype="<f4").astype(np.float32)
    if not {"image", "age"} <= set(items.columns) or len(predicted) != len(items):
        raise ValueError("predictions and images do not fit each other")
    return Evaluated(
        fields["split"], _RESULT.validate_python(fields["result"]), items, predicted, fields["selected_on"]
    )


def _column(name: str, values: list[Any]) -> "pd.Series[Any]":
    import pandas as pd

    return pd.Series(values, dtype=np.float64 if name in ("age", *RANGE_COLUMNS) else object)
