"""Column types for values that SQLite would lose: NaN in floats and JSON, and the time zone of a time."""

import json
import math
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Dialect, Text
from sqlalchemy.types import TypeDecorator, UserDefinedType

_NON_FINITE = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


class Real(UserDefinedType[float]):
    """A nullable float. Stores NaN as the text `nan`, because SQLite would turn it into NULL. Infinities are kept."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "REAL"

    def bind_processor(self, dialect: Dialect) -> Callable[[float | None], float | str | None]:
        def process(value: float | None) -> float | str | None:
            if value is None:
                return None
            return "nan" if math.isnan(value) else float(value)

        return process

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], float | None]:
        return lambda value: None if value is None else float(value)


class Json(TypeDecorator[Any]):
    """Plain data as JSON text that SQLite's JSON functions accept. Stores a non-finite float as `{"$float": "nan"}`."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else dump_json(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else load_json(value)


class UtcTime(TypeDecorator[datetime]):
    """An aware time as ISO 8601 text in UTC with microseconds, which sorts by time."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:
        return None if value is None else value.astimezone(UTC).isoformat(timespec="microseconds")

    def process_result_value(self, value: str | None, dialect: Dialect) -> datetime | None:
        return None if value is None else datetime.fromisoformat(value)


def dump_json(value: Any) -> str:
    """Compact JSON text with marked non-finite floats, from which `load_json` restores the value."""
    return json.dumps(_marked(value), separators=(",", ":"), allow_nan=False, default=str)


def load_json(text: str) -> Any:
    """The value of a text that `dump_json` wrote."""
    return json.loads(text, object_hook=_unmarked if "$float" in text else None)


def _marked(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return {"$float": str(value)}
    if isinstance(value, dict):
        return {str(key): _marked(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_marked(item) for item in value]
    return value


def _unmarked(value: dict[str, Any]) -> Any:
    return _NON_FINITE.get(value["$float"], value) if value.keys() == {"$float"} else value
