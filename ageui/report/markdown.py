"""A report as Markdown, as GitHub shows it, with its plots as files beside it."""

import re
from collections.abc import Mapping
from urllib.parse import quote

from ageui.compare.formats.escaping import plain_html, plain_markdown
from ageui.report.document import Block, Bullets, Code, Document, Figure, Paragraph, Section, Table
from ageui.text.clean import clean

_PLOT = re.compile(r"(?:run-\d+-[a-z]+|comparison|curves)\.svg")


def as_markdown(document: Document, folder: str) -> tuple[str, Mapping[str, str]]:
    """The text, ending in a line feed, and the content of each file that belongs into `folder` beside it, by name."""
    parts = [f"# {plain_markdown(document.title)}", *(_block(block, folder) for block in document.blocks)]
    parts += [text for section in document.sections for text in _section(section, 2, folder)]
    files = {_file(figure): figure.drawing.file(figure.alt) for figure in document.figures}
    return "\n\n".join(parts) + "\n", files


def is_plot(name: str) -> bool:
    """Whether a file is named as the plots are that a report has beside it: `run-7-curves.svg`, `comparison.svg`."""
    return _PLOT.fullmatch(name) is not None


def _section(section: Section, level: int, folder: str) -> list[str]:
    own = [f"{'#' * level} {plain_markdown(section.title)}", *(_block(block, folder) for block in section.blocks)]
    return own + [text for part in section.parts for text in _section(part, level + 1, folder)]


def _block(block: Block, folder: str) -> str:
    match block:
        case Paragraph(text):
            return plain_markdown(text)
        case Bullets(lines):
            return "\n".join(f"- {plain_markdown(text)}" for text in lines)
        case Code(text):
            return _fenced(clean(text, lines=True))
        case Figure(caption=caption, alt=alt):
            return f"![{plain_markdown(alt)}]({quote(folder)}/{_file(block)})\n\n*{plain_markdown(caption)}*"
        case Table():
            return _table(block)


def _table(table: Table) -> str:
    rules = ["---" if place < table.words else "---:" for place in range(len(table.head))]
    lines = [_line([plain_markdown(text) for text in table.head]), _line(rules)]
    lines += [_line([plain_markdown(text) for text in row]) for row in table.rows]
    body = "\n".join(lines)
    if table.folded:
        return f"<details><summary>{plain_html(table.caption)}</summary>\n\n{body}\n\n</details>"
    return f"{plain_markdown(table.caption)}:\n\n{body}"


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _fenced(text: str) -> str:
    """A block of code, within more backticks than it holds in a row."""
    longest = max((len(found) for found in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}\n{text}\n{fence}"


def _file(figure: Figure) -> str:
    return f"{figure.name}.svg"
