"""The parts of a report, before any format: sections of text, tables and plots."""

from dataclasses import dataclass, field

from ageui.present.table import Table
from ageui.report.drawing import Drawing


@dataclass(frozen=True)
class Paragraph:
    """A paragraph of plain text."""

    text: str


@dataclass(frozen=True)
class Bullets:
    """A list with an item of plain text per line."""

    lines: tuple[str, ...]


@dataclass(frozen=True)
class Code:
    """Preformatted text, line by line."""

    text: str


@dataclass(frozen=True)
class Folded:
    """A table that is hidden until a reader opens it."""

    table: Table


@dataclass(frozen=True)
class Plot:
    """A drawing; `name` is unique in the document and a valid file name, `alt` describes the drawing."""

    name: str
    caption: str
    alt: str
    drawing: Drawing


Block = Paragraph | Bullets | Code | Table | Folded | Plot


@dataclass(frozen=True)
class Section:
    """Blocks under a title, then nested sections."""

    title: str
    blocks: tuple[Block, ...] = ()
    parts: "tuple[Section, ...]" = field(default=())


@dataclass(frozen=True)
class Document:
    """A report: its title, the blocks on top of it, and its sections."""

    title: str
    blocks: tuple[Block, ...]
    sections: tuple[Section, ...]

    @property
    def plots(self) -> tuple[Plot, ...]:
        """All plots in their order."""
        return tuple(block for section in self.sections for block in _blocks(section) if isinstance(block, Plot))


def _blocks(section: Section) -> tuple[Block, ...]:
    return section.blocks + tuple(block for part in section.parts for block in _blocks(part))
