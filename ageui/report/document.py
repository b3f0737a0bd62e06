"""What a report is made of, before any format: sections of text, tables and figures."""

from dataclasses import dataclass, field

from ageui.report.drawing import Drawing


@dataclass(frozen=True)
class Paragraph:
    """A paragraph of plain text."""

    text: str


@dataclass(frozen=True)
class Bullets:
    """A list of lines, each of plain text."""

    lines: tuple[str, ...]


@dataclass(frozen=True)
class Code:
    """Text to be shown to the letter, line by line."""

    text: str


@dataclass(frozen=True)
class Table:
    """Cells as text, in one or several lines. The first `words` columns are words, the others figures.

    One that is `folded` opens when asked.
    """

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    words: int = 1
    folded: bool = False


@dataclass(frozen=True)
class Figure:
    """A drawing; `name` is its own in the whole document and fit for a file, `alt` says what is seen in it."""

    name: str
    caption: str
    alt: str
    drawing: Drawing


Block = Paragraph | Bullets | Code | Table | Figure


@dataclass(frozen=True)
class Section:
    """Blocks under a title, then the sections inside of it."""

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
    def figures(self) -> tuple[Figure, ...]:
        """All figures, in the order in which they stand."""
        return tuple(block for section in self.sections for block in _blocks(section) if isinstance(block, Figure))


def _blocks(section: Section) -> tuple[Block, ...]:
    return section.blocks + tuple(block for part in section.parts for block in _blocks(part))
