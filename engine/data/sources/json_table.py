"""Reads JSON tables: a list of objects, one object per line, or columns as written by pandas."""

import json
from collections.abc import Iterable, Iterator
from itertools import count
from typing import Any, Final

import pandas as pd

from engine.data.image_files import is_image_name
from engine.data.report import RowProblem
from engine.data.sources.raw_table import RawTable, refuse_size
from engine.data.text_encoding import encoding_of, title_of
from engine.short_text import quoted, short_list

MOST_BYTES: Final = 250_000_000
_EXAMPLE: Final = '[{"image": "a.jpg", "age": 31}, …]'
Object = dict[str, Any]


def json_table(content: bytes) -> RawTable:
    """The table in a JSON file's content. Raises `ValueError` if the content is not a table."""
    if len(content) > MOST_BYTES:
        raise ValueError(f"it has more than {MOST_BYTES // 10**6} MB of JSON; save it as Parquet or CSV")
    encoding = encoding_of(content)
    text = content.decode(encoding)
    problems: list[RowProblem] = []
    try:
        objects = _lines(text, problems) if _is_lines(text) else _objects(json.loads(text), problems)
        frame = _frame(objects)
    except RecursionError:
        raise ValueError("its JSON is nested too deeply; save the table as CSV") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"its JSON is damaged or truncated: {error.msg} in line {error.lineno}") from None
    title = title_of(encoding)
    return RawTable(frame, (f"read with {title}",) if title else (), tuple(problems))


def _is_lines(text: str) -> bool:
    """Whether the first line is a complete object, and others follow."""
    first, _, others = text.strip().partition("\n")
    try:
        return bool(others) and isinstance(json.loads(first), dict)
    except json.JSONDecodeError:
        return False


def _lines(text: str, problems: list[RowProblem]) -> Iterator[Object]:
    for number, line in enumerate(text.splitlines() if "\n" not in text else text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            found = json.loads(line)
        except json.JSONDecodeError:
            found = None
        if isinstance(found, dict):
            yield found
        else:
            problems.append(RowProblem(f"line {number}", "it is not a JSON object"))


def _objects(found: Any, problems: list[RowProblem]) -> Iterable[Object]:
    """The rows of a document. Raises `ValueError` for other shapes."""
    if isinstance(found, list):
        objects = [one for one in found if isinstance(one, dict)]
        if found and not objects:
            raise ValueError(f"its JSON is a list of {_kind(found[0])}, not of objects; write it as {_EXAMPLE}")
        problems += [
            RowProblem(f"item {place}", "it is not a JSON object")
            for place, one in enumerate(found, start=1)
            if not isinstance(one, dict)
        ]
        return objects
    values = list(found.values())
    if set(found) >= {"columns", "data"} and all(isinstance(found[key], list) for key in ("columns", "data")):
        names = [str(name) for name in found["columns"]]
        if all(isinstance(row, list) and len(row) == len(names) for row in found["data"]):
            return [dict(zip(names, row, strict=True)) for row in found["data"]]
    if values and all(isinstance(value, dict) for value in values):
        if all(key.isdecimal() for key in found):
            return values
        if all(is_image_name(key) for key in found):
            return [{"image": key, **value} for key, value in found.items()]
        rows = dict.fromkeys(key for value in values for key in value)
        return [{name: column.get(row) for name, column in found.items()} for row in rows]
    lists = {name: value for name, value in found.items() if isinstance(value, list)}
    tables = [value for value in lists.values() if value and all(isinstance(one, dict) for one in value)]
    if len(tables) == 1:
        return _objects(tables[0], problems)
    if lists and len(lists) == len(found) and not tables and len({len(column) for column in lists.values()}) == 1:
        return [dict(zip(lists, row, strict=True)) for row in zip(*lists.values(), strict=True)]
    if values and not any(isinstance(value, dict | list) for value in values) and "image" in map(str.lower, found):
        return [found]
    raise ValueError(
        f"its JSON is an object with the keys {short_list(found)}, not a list of objects; write it as {_EXAMPLE}"
    )


def _kind(value: object) -> str:
    return "lists" if isinstance(value, list) else f"such as {quoted(value)}"


def _frame(objects: Iterable[Object]) -> pd.DataFrame:
    columns: dict[str, list[object]] = {}
    rows = 0
    for rows, found in zip(count(1), objects, strict=False):
        refuse_size(len(columns), rows)
        for name, value in found.items():
            column = columns.setdefault(name, [])
            column += [""] * (rows - 1 - len(column))
            column.append(_cell(value))
    if not columns:
        raise ValueError(f"it holds no rows; write it as {_EXAMPLE}")
    return pd.DataFrame(
        {name: pd.Series(column + [""] * (rows - len(column)), dtype=object) for name, column in columns.items()}
    )


def _cell(value: object) -> object:
    """A cell's text as in CSV; lists and objects, which are not cells, stay."""
    if value is None:
        return ""
    return value if isinstance(value, str | list | dict) else str(value)
