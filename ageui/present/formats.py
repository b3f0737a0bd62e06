"""The formats of exported sheets and their writers."""

from collections.abc import Callable, Mapping, Sequence

from ageui.present import csv, html, json, latex, markdown
from ageui.present.table import ExportSheet
from engine.errors import ConfigError

WRITERS: Mapping[str, Callable[[ExportSheet], str]] = {
    "md": markdown.page,
    "csv": lambda sheet: csv.text(sheet.records),
    "tex": latex.page,
    "html": html.page,
    "json": lambda sheet: json.text(sheet.data),
}


def refuse_format(format: str, formats: Sequence[str]) -> None:
    """Raises `ConfigError` for a format that is not one of `formats`."""
    if format not in formats:
        raise ConfigError(f"unknown format {format!r}; choose one of {', '.join(formats)}")
