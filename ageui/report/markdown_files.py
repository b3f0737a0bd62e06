"""A report as Markdown, as GitHub shows it, with its plots as files beside it."""

import os
import re
from collections.abc import Mapping
from urllib.parse import quote

from ageui.present import html, markdown
from ageui.present.markdown import escaped
from ageui.present.table import Table
from ageui.report.document import Block, Bullets, Code, Document, Folded, Paragraph, Plot, Section
from ageui.text.clean import clean

_PLOT = re.compile(r"(?:run-\d+-[a-z]+|comparison|curves)\.svg")


def as_markdown(document: Document, folder: str) -> tuple[str, Mapping[str, str]]:
    """The text, ending in a line feed, and the content of each file in the `folder` beside it, by name."""
    parts = [f"# {escaped(document.title)}", *(_block(block, folder) for block in document.blocks)]
    parts += [text for section in document.sections for text in _section(section, 2, folder)]
    files = {_file(plot): plot.drawing.file(plot.alt) for plot in document.plots}
    return "\n\n".join(parts) + "\n", files


def is_plot(name: str) -> bool:
    """Whether a file has the name of a report's plot: `run-7-curves.svg`, `comparison.svg`."""
    return _PLOT.fullmatch(name) is not None


def _section(section: Section, level: int, folder: str) -> list[str]:
    own = [f"{'#' * level} {escaped(section.title)}", *(_block(block, folder) for block in section.blocks)]
    return own + [text for part in section.parts for text in _section(part, level + 1, folder)]


def _block(block: Block, folder: str) -> str:
    match block:
        case Paragraph(text):
            return escaped(text)
        case Bullets(lines):
            return markdown.bullets(lines)
        case Code(text):
            return _fenced(clean(text, lines=True))
        case Plot(caption=caption, alt=alt):
            return f"![{escaped(alt)}]({quote(os.fsencode(folder))}/{_file(block)})\n\n*{escaped(caption)}*"
        case Folded(table):
            summary = html.escaped(table.title)
            return f"<details><summary>{summary}</summary>\n\n{markdown.table_text(table)}\n\n</details>"
        case Table():
            return f"{escaped(block.title)}:\n\n{markdown.table_text(block)}"


def _fenced(text: str) -> str:
    """A block of code, fenced by more backticks than it holds in a row."""
    longest = max((len(found) for found in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}\n{text}\n{fence}"


def _file(plot: Plot) -> str:
    return f"{plot.name}.svg"
