"""The words that people read: patterns that make English read like a translation. See "Words" in CONTRIBUTING.md."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [*ROOT.glob("*.md"), *(ROOT / "ageui" / "cli" / "explained").glob("*.md")]
MODULES = [path for package in ("ageui", "engine") for path in sorted((ROOT / package).rglob("*.py"))]

AVOIDED = re.compile(
    r"\b(no longer|any ?more|has to be|have to be|goes on|is told|are told|with none named|what a run|whatever a)\b",
    re.IGNORECASE,
)


def _read_by_people(file: Path) -> Iterator[tuple[int, str]]:
    """The lines of a page, or the strings of a module, with the numbers of their lines."""
    text = file.read_text(encoding="utf-8")
    if file.suffix == ".md":
        yield from enumerate(text.splitlines(), start=1)
        return
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value


@pytest.mark.parametrize("file", [*PAGES, *MODULES], ids=lambda file: file.relative_to(ROOT).as_posix())
def test_sentences_are_direct(file: Path) -> None:
    found = [f"line {line}: {match[0]}" for line, text in _read_by_people(file) for match in AVOIDED.finditer(text)]
    assert not found
