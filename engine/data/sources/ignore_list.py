"""Leaves out images by a list of names."""

import csv
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from engine.bounded_files import TABLE_BYTES, problem_of, read_regular
from engine.counted import counted
from engine.data.image_files import is_image_name
from engine.data.sources.near_names import folded, stem_and_ending
from engine.data.sources.source_rows import SourceRow
from engine.data.spec import DataSpec
from engine.data.text_encoding import encoding_of
from engine.errors import DataError
from engine.short_text import short_list

_COLUMNS: Final = frozenset(
    ("img_name", "image_name", "image", "img", "imageid", "image_id", "file", "file_name", "filename", "path", "name")
)
_CROPS: Final = ("_face.jpg", ".chip.jpg")
_SHOWN: Final = 3


class IgnoreList:
    """Names of images to leave out. Remembers which names matched an image.

    A name may lack its ending, the ending of a crop (`_face.jpg`), and any leading folders. Capitals do not matter.
    """

    def __init__(self, names: Iterable[str], root: Path, file: str = "") -> None:
        """`names` of images below `root`, listed in `file`."""
        self._names = list(dict.fromkeys(names))
        self._root, self._file = os.path.abspath(root), file
        self._by_key: dict[str, list[tuple[str, list[str]]]] = defaultdict(list)
        for name in self._names:
            *folders, last = _parts(name) or [""]
            for key in _listed_keys(last):
                self._by_key[key].append((name, folders))
        self._found: set[str] = set()
        self._left_out = 0

    def without(self, rows: Iterable[SourceRow]) -> Iterator[SourceRow]:
        """The rows of all other images."""
        return (row for row in rows if not self.matches(row.image)) if self._names else iter(rows)

    def matches(self, image: str) -> bool:
        """Whether to leave the image out."""
        if not self._names:
            return False
        name = image.replace("\\", "/")
        listed = [one for key in _keys(name.rpartition("/")[2]) for one in self._by_key.get(key, ())]
        if not listed:
            return False
        *folders, _ = _parts(os.path.normpath(os.path.join(self._root, name)))
        named = {name for name, wanted in listed if not wanted or folders[-len(wanted) :] == wanted}
        self._found |= named
        self._left_out += bool(named)
        return bool(named)

    @property
    def notes(self) -> tuple[str, ...]:
        """A note on the number of names found, and those not found; empty without a list."""
        if not self._file:
            return ()
        lost = [name for name in self._names if name not in self._found]
        were_not = f": {short_list(lost, _SHOWN)} {'was' if len(lost) == 1 else 'were'} not" if lost else ""
        of = f"{len(self._found):,} of {counted(len(self._names), 'name')}"
        several = " (a bare name matches in every folder)" if self._left_out > len(self._found) else ""
        return (f"{self._file}: {of} found{were_not}; {counted(self._left_out, 'image')} left out{several}",)


def ignore_list(spec: DataSpec, root: Path) -> IgnoreList:
    """The data set's list; empty without a file. Raises `DataError` if the file cannot be read."""
    if spec.ignore is None:
        return IgnoreList((), root)
    return IgnoreList(read_ignored(Path(spec.ignore)), root, Path(spec.ignore).name)


def read_ignored(path: Path) -> list[str]:
    """Image names: the cells of a table's column with a usual name, such as `img_name`, or one name per line.

    Raises `DataError` if the file cannot be read.
    """
    try:
        content = read_regular(path, TABLE_BYTES)
        text = content.decode(encoding_of(content))
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        rows = [_cells(line) for line in lines]
    except (OSError, ValueError, csv.Error) as error:
        raise DataError(f"the ignore list {path} cannot be read: {problem_of(error)}") from error
    column = next((place for place, name in enumerate(rows[0]) if name.lower() in _COLUMNS), None) if rows else None
    if column is None:
        return [
            line if is_image_name(line) and '"' not in line else row[0] for line, row in zip(lines, rows, strict=True)
        ]
    return [row[column] for row in rows[1:] if len(row) > column and row[column]]


def _cells(line: str) -> list[str]:
    separator = max(",;\t", key=line.count)
    return [cell.strip() for cell in next(csv.reader([line], delimiter=separator, skipinitialspace=True))]


def _parts(name: str) -> list[str]:
    parts = folded(name).replace("\\", "/").split("/")
    return [part for part in parts if part not in ("", os.curdir, os.pardir)]


def _keys(file: str) -> set[str]:
    """The names that may stand for a file in the list."""
    return {
        key
        for name in _with_and_without_crop(file)
        for stem, ending in [stem_and_ending(name)]
        for key in (stem, stem + ending)
    }


def _listed_keys(name: str) -> set[str]:
    """The file names that a listed name stands for, in the form of `_keys`."""
    return {"".join(stem_and_ending(one)) for one in _with_and_without_crop(name)}


def _with_and_without_crop(name: str) -> set[str]:
    name = folded(name)
    return {name, *(name.removesuffix(crop) for crop in _CROPS)}
