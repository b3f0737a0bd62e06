"""A cell in words: the parts that every format writes in its own way, and their order in a line."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from ageui.present.figures import between, change, number
from ageui.present.marks import marks_of, marks_of_difference
from ageui.present.table import Cell, Note, Tone
from ageui.text.clean import clean

BRACKETS = {"width": ("", ""), "range": ("[", "]"), "note": ("(", ")"), "change": ("(", ")")}
"""The brackets around the parts after the first, in formats that write a cell in one line."""


@dataclass(frozen=True)
class Part:
    """A part of a cell: the figure or words, ± a width, the ends of a range, a note, or a difference."""

    role: Literal["main", "width", "range", "note", "change"]
    text: str
    marks: tuple[str, ...] = ()


def parts_of(cell: Cell) -> tuple[Part, ...]:
    """The parts of a cell, the main one first. Texts are clean; only words may have several lines."""
    text = number(cell.value, cell.unit) if cell.text is None else clean(cell.text, lines=True)
    found = [Part("main", text, marks_of(cell)), *_uncertainty(cell)]
    if cell.note:
        found.append(Part("note", clean(cell.note)))
    if cell.difference is not None:
        found.append(Part("change", change(cell.difference.value, cell.unit), marks_of_difference(cell.difference)))
    return tuple(found)


def in_line(
    cell: Cell,
    escape: Callable[[str], str] = str,
    strong: Callable[[str], str] = str,
    mark: Callable[[str], str] | None = None,
) -> str:
    """The parts of a cell in one line: `6.25 ★ ±0.25 (−0.75 ✔)`, `≠ c (queued)`.

    A format passes functions that escape text, make it strong, and write a mark, which by default is escaped like text.
    """
    mark = mark or escape
    main, *others = parts_of(cell)
    text = strong(escape(main.text)) if is_strong(cell) else escape(main.text)
    marks = [mark(one) for one in main.marks]
    found = [*marks, text] if is_words(cell) else [text, *marks]
    for part in others:
        opening, closing = map(escape, BRACKETS[part.role])
        found.append(f"{opening}{' '.join((escape(part.text), *map(mark, part.marks)))}{closing}")
    return " ".join(found)


def uncertainty(cell: Cell) -> str:
    """`±0.27`, `0.03–1.91`, or `±0.05 (n=5)` for a mean over seeds; empty if neither is known."""
    return "".join(part.text for part in _uncertainty(cell))


def tone_of(cell: Cell) -> Tone:
    """The tone of a cell: its own, or the one that follows from its figure."""
    if cell.tone != "plain" or is_words(cell):
        return cell.tone
    if cell.value is None or cell.inside_noise:
        return "dim"
    if not math.isfinite(cell.value):
        return "bad"
    return "strong" if cell.best else "plain"


def is_strong(cell: Cell) -> bool:
    """Whether a cell stands out."""
    return cell.best or cell.tone == "strong"


def is_words(cell: Cell) -> bool:
    """Whether a cell holds words. Marks stand in front of words in every format, and behind figures in most."""
    return cell.text is not None


def note_text(note: Note) -> str:
    """A line of a legend, clean: `★ best of the runs`."""
    return clean(f"{note.mark} {note.text}").strip()


def _uncertainty(cell: Cell) -> tuple[Part, ...]:
    if cell.value is None:
        return ()
    if cell.spread is not None:
        width = f"±{number(cell.spread.std, cell.unit)}" if cell.spread.std is not None else ""
        seeds = f"(n={cell.spread.n})" if cell.spread.n else ""
        text = " ".join(filter(None, (width, seeds)))
        return (Part("width", text),) if text else ()
    if cell.interval is None:
        return ()
    if cell.half_width:
        return (Part("width", f"±{number((cell.interval.high - cell.interval.low) / 2, cell.unit)}"),)
    return (Part("range", between(cell.interval, cell.unit)),)
