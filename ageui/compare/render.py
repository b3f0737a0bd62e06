"""A comparison in any format."""

from collections.abc import Callable

from rich.console import RenderableType

from ageui.compare.comparison import Comparison
from ageui.compare.formats.csv_rows import as_csv
from ageui.compare.formats.html_page import as_html
from ageui.compare.formats.json_rows import as_json
from ageui.compare.formats.latex import as_latex
from ageui.compare.formats.markdown import as_markdown
from ageui.compare.formats.terminal import as_table
from engine.errors import ConfigError

_TEXT: dict[str, Callable[[Comparison], str]] = {
    "md": as_markdown,
    "csv": as_csv,
    "tex": as_latex,
    "html": as_html,
    "json": as_json,
}
FORMATS = ("table", *_TEXT)


def render_table(comparison: Comparison) -> RenderableType:
    """For a rich console; readable from 100 columns on."""
    return as_table(comparison)


def render_text(comparison: Comparison, format: str) -> str:
    """The comparison in one of the formats but `table`, ending in a line feed. Raises `ConfigError` for another."""
    if format not in _TEXT:
        raise ConfigError(f"there is no format {format!r}; choose one of {', '.join(FORMATS)}")
    return _TEXT[format](comparison)
