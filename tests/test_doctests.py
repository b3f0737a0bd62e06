"""Examples in docstrings print what they say."""

import doctest
import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest

import ageui
import engine

FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def _modules_with_examples() -> Iterator[str]:
    for package in (ageui, engine):
        root = Path(str(package.__file__)).parent
        for file in sorted(root.rglob("*.py")):
            if ">>> " in file.read_text("utf-8"):
                yield ".".join(file.relative_to(root.parent).with_suffix("").parts).removesuffix(".__init__")


def test_examples_of_the_manual(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    page = Path(str(ageui.__file__)).parent / "cli" / "explained" / "python.md"
    result = doctest.testfile(str(page), module_relative=False, optionflags=FLAGS)
    assert result.attempted > 5
    assert result.failed == 0, "the output above differs"


@pytest.mark.parametrize("module", _modules_with_examples())
def test_examples(module: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = doctest.testmod(importlib.import_module(module), optionflags=FLAGS)
    assert result.attempted > 0, "doctest finds no example: '>>>' stands outside of docstrings"
    assert result.failed == 0, "the output above differs"
