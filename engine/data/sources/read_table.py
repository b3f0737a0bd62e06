"""Reads label tables of any kind, with errors that name the file and the problem."""

import csv
import gzip
import zlib
from collections.abc import Collection, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import BinaryIO, Final

import pandas as pd
import pyarrow as pa

from engine.bounded_files import TABLE_BYTES, open_regular, problem_of
from engine.data.foreign_files import GZIP, HEAD_BYTES, PARQUET, ZIP, is_json, why_no_table, why_no_zip_table
from engine.data.sources.json_table import json_table
from engine.data.sources.parquet_table import parquet_table
from engine.data.sources.raw_table import RawTable
from engine.data.sources.text_table import text_table
from engine.data.text_encoding import encoding_of
from engine.data.text_layout import usual_separator
from engine.errors import DataError
from engine.short_text import short_list

PARQUET_BYTES: Final = 20_000_000_000


def read_table(path: Path, needed: Sequence[str]) -> pd.DataFrame:
    """The cells of a table that has all `needed` columns, and a cell for each column in every row.

    Raises `DataError` like `read_raw_table`, for a missing column, and for rows whose cells do not match the columns.
    """
    raw = read_raw_table(path, needed)
    refuse_missing(path, raw.frame, needed)
    if raw.problems:
        more = f" and {len(raw.problems) - 1:,} more lines" if len(raw.problems) > 1 else ""
        raise DataError(f"{path}, {raw.problems[0]}{more}; every row needs a cell for each column")
    return raw.frame


def refuse_missing(path: Path, frame: pd.DataFrame, needed: Collection[str]) -> None:
    """Raises a `DataError` that names the missing and the existing columns."""
    missing = [name for name in needed if name not in frame.columns]
    if missing:
        raise DataError(
            f"{path} has no column {short_list([_with_near(name, frame) for name in missing])}; it has "
            f"{short_list(frame.columns)}"
        )


def _with_near(name: str, frame: pd.DataFrame) -> str:
    """`agee (did you mean age?)`."""
    close = get_close_matches(name, list(map(str, frame.columns)), n=1, cutoff=0.8)
    return f"{name} (did you mean {close[0]}?)" if close else name


def read_raw_table(path: Path, named: Collection[str] = ()) -> RawTable:
    """A table in text (CSV and its relatives, also in gzip), JSON or Parquet, recognised by its content.

    Text cells stay text, so that `000001` stays a name. Text that `engine.csv_text` defused is restored.

    Parameters
    ----------
    path
        The file.
    named
        Columns named by the user. A first line with one of these is a line of names, whatever it looks like.

    Raises
    ------
    DataError
        If the file is missing, too large, damaged or not a table, or if its cells cannot be assigned to columns.
    """
    try:
        with open_regular(path, PARQUET_BYTES) as file:
            head = file.read(HEAD_BYTES)
            file.seek(0)
            if head.startswith(PARQUET):
                return parquet_table(file, path)
            if head.startswith(ZIP):
                raise ValueError(why_no_zip_table(file))
        with open_regular(path, TABLE_BYTES) as file:
            content = _unzipped(file) if head.startswith(GZIP) else file.read()
        if (reason := why_no_table(content[:HEAD_BYTES])) is not None:
            raise ValueError(reason)
        if is_json(content[:HEAD_BYTES].decode(encoding_of(content[:HEAD_BYTES], whole=False), "replace")):
            return json_table(content)
        return text_table(content, usual_separator(path), named)
    except FileNotFoundError:
        raise DataError(f"{path} does not exist") from None
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not valid {error.encoding} text; save it again as UTF-8") from None
    except (OSError, ValueError, csv.Error, pa.ArrowException) as error:
        raise DataError(f"{path} cannot be read as a table: {problem_of(error)}") from error


def _unzipped(file: BinaryIO) -> bytes:
    try:
        with gzip.GzipFile(fileobj=file) as stream:
            content = stream.read(TABLE_BYTES + 1)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise ValueError("its gzip data is damaged or truncated; download or copy it again") from None
    if len(content) > TABLE_BYTES:
        raise ValueError(f"it expands to more than {TABLE_BYTES // 10**6} MB; save it as Parquet")
    return content
