"""README and manual: their length, links, tables, and that every command in them can be typed."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ageui.cli import flag_table
from ageui.cli.explain import PAGES
from ageui.planning import config_fields
from ageui.tui import keys

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "ageui" / "cli" / "explained"
FILES = [ROOT / "README.md", *(FOLDER / f"{page}.md" for page in PAGES)]


def _commands(file: Path) -> Iterator[str]:
    """The command lines of `ageui` in the code blocks of a file, without comments."""
    text = file.read_text(encoding="utf-8").replace("\\\n", " ")
    for line in re.findall(r"^    +(?:\$ )?(.*ageui .*)", text, re.MULTILINE):
        for part in re.split(r" && | \| ", line):
            if part.startswith("ageui "):
                yield part


COMMANDS = [pytest.param(line, id=f"{file.stem}: {line}") for file in FILES for line in _commands(file)]


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_can_be_typed(typed: Callable[[str], tuple[str, ...]], line: str) -> None:
    assert typed(line) or line.split("#")[0].strip() == "ageui"


def test_the_readme_is_short() -> None:
    assert len(FILES[0].read_text(encoding="utf-8").splitlines()) <= 160


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_links_lead_to_files_and_headings(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    targets = re.findall(r"\]\(([^)\s]+)\)|(?:src|srcset)=\"([^\"]+)\"", text)
    for target in filter(None, (link or source for link, source in targets)):
        if target.startswith("https://"):
            continue
        path, _, heading = target.partition("#")
        linked = file.parent / path if path else file
        assert linked.is_file(), target
        titles = re.findall(r"^#+ (.*)$", linked.read_text(encoding="utf-8"), re.MULTILINE) if heading else []
        assert not heading or heading in [re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles]


def test_the_readme_links_every_page() -> None:
    for page in PAGES:
        assert f"(ageui/cli/explained/{page}.md)" in FILES[0].read_text(encoding="utf-8")


TABLES = {"keys": keys, "config": config_fields, "flags": flag_table}


@pytest.mark.parametrize("page", TABLES)
def test_the_page_holds_the_table_of_the_code(page: str) -> None:
    module: Any = TABLES[page]
    text = (FOLDER / f"{page}.md").read_text(encoding="utf-8")
    found = re.search(r"<!-- table -->\n(.*?)\n<!-- /table -->", text, re.DOTALL)
    assert found is not None
    assert found[1] == module.markdown(), (
        f"paste the output of: python -c 'from {module.__name__} import *; print(markdown())'"
    )
