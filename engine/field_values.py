"""The values that a config field takes, in words, from its JSON schema."""

from collections.abc import Iterator, Mapping
from typing import Any


def field_values(schema: Mapping[str, Any]) -> Iterator[str]:
    """The values, or their range, that the schema of a field or of its items allows; nothing for any text.

    Examples
    --------
    >>> list(field_values({"type": "integer", "minimum": 1, "maximum": 1000}))
    ['1 to 1,000']
    >>> list(field_values({"anyOf": [{"type": "number", "exclusiveMinimum": 0}, {"type": "null"}]}))
    ['above 0', 'none']
    """
    for kind in schema.get("anyOf", [schema]):
        match kind["type"]:
            case "array":
                yield from field_values(kind["items"])
            case "boolean":
                yield from ("true", "false")
            case "null":
                yield "none"
            case "string":
                yield from kind.get("enum", ())
            case _ if bounds := " and ".join(_bounds(kind)):
                yield bounds


def _bounds(schema: Mapping[str, Any]) -> Iterator[str]:
    match schema:
        case {"minimum": low, "maximum": high}:
            yield f"{_number(low)} to {_number(high)}"
            return
        case {"minimum": low}:
            yield f"{_number(low)} or more"
        case {"exclusiveMinimum": low}:
            yield f"above {_number(low)}"
    match schema:
        case {"maximum": high}:
            yield f"at most {_number(high)}"
        case {"exclusiveMaximum": high}:
            yield f"below {_number(high)}"


def _number(bound: float) -> str:
    return f"{bound:,.0f}"
