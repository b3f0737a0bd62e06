"""All fields of a config as a table for the manual: their defaults, meanings and values."""

from engine.config import FLAG_FIELDS, RunConfig, format_value
from engine.field_values import field_values


def markdown() -> str:
    """A Markdown table with a row per field. A field with a flag of its own has the flag's name."""
    schemas = RunConfig.model_json_schema()["properties"]
    lines = ["| field | default | meaning and values |", "|---|---|---|"]
    for name, field in RunConfig.model_fields.items():
        shown = f"--{name}" if name in FLAG_FIELDS else name
        meaning, values = field.description or "", list(field_values(schemas[name]))
        are_named = all(value in meaning for value in values)
        listed = "" if are_named else f" ({', '.join(values)})"
        lines.append(f"| `{shown}` | {format_value(field.default)} | {meaning}{listed} |")
    return "\n".join(lines)
