"""All fields of a config as a table for the manual: their defaults, meanings and values."""

from collections.abc import Iterator, Mapping
from typing import Any

from engine.config import FLAG_FIELDS, RunConfig, format_value


def markdown() -> str:
    """A Markdown table with a row per field. A field with a flag of its own has the flag's name."""
    schemas = RunConfig.model_json_schema()["properties"]
    lines = ["| field | default | meaning and values |", "|---|---|---|"]
    for name, field in RunConfig.model_fields.items():
        shown = f"--{name}" if name in FLAG_FIELDS else name
        meaning, values = field.description or "", list(_values(schemas[name]))
        are_named = all(value in meaning for value in values)
        listed = "" if are_named else f" ({', '.join(values)})"
        lines.append(f"| `{shown}` | {format_value(field.default)} | {meaning}{listed} |")
    return "\n".join(lines)


def _values(schema: Mapping[str, Any]) -> Iterator[str]:
    """The values, or their range, that a JSON schema of a field or of its items allows; nothing for any text."""
    for kind in schema.get("anyOf", [schema]):
        match kind["type"]:
            case "array":
                yield from _values(kind["items"])
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
