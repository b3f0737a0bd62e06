"""The Markdown file with the one table of the check, written whole after every row."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from tables import table

HEADER = ("part", "what", "measured", "for comparison")


@dataclass
class Section:
    """The rows of one part, by what they are of: a later row replaces an earlier one of the same name."""

    name: str
    state: str = "not begun"
    seconds: float | None = None
    rows: dict[str, tuple[str, str]] = field(default_factory=dict)

    def lines(self) -> Iterable[tuple[str, ...]]:
        took = "" if self.seconds is None else f", {self.seconds:.0f} s"
        begin = (f"**{self.name}**{took}", "", self.state, "")
        rows = [("", what, measured, beside) for what, (measured, beside) in self.rows.items()]
        return [begin, *rows] if self.state or not rows else [(begin[0], *rows[0][1:]), *rows[1:]]


class Document:
    """Holds all parts from the start, so that a check that is cut off shows what it did not come to."""

    def __init__(self, path: Path, names: Iterable[str], command: str) -> None:
        self.sections = {name: Section(name) for name in names}
        self._path, self._command = path, command

    def write(self) -> None:
        rows = [[_cell(text) for text in line] for section in self.sections.values() for line in section.lines()]
        parts = [
            f"# GPU check, {date.today()}",
            f"Made with `{self._command}`; a step is a whole one, from pixels to the optimizer.",
            table(HEADER, rows).replace("--:", "---"),
        ]
        part = self._path.with_suffix(".part")
        part.write_text("\n\n".join(parts) + "\n", encoding="utf-8")
        part.replace(self._path)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
