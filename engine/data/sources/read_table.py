"""Reads label tables of any kind, with errors that name the file and the problem."""

import csv
import gzip
import zlib
from collections.abc import Collection, Sequence
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
    """The cells of a table that has all `needed` columns, and a cell for every column in each row.

    Raises `DataError` as `read_raw_table`, for a missing column, and for rows whose cells do not fit the columns.
    """
    raw = read_raw_table(path, needed)
    refuse_missing(path, raw.frame, needed)
    if raw.problems:
        more = f" and {len(raw.problems) - 1:,} more lines" if len(raw.problems) > 1 else ""
        raise DataError(f"{path}, {raw.problems[0]}{more}; every row needs a cell for each column")
    return raw.frame


def refuse_missing(path: Path, frame: pd.DataFrame, needed: Collection[str]) -> None:
    """Raises a `DataError` that names the missing columns and those that are there."""
    missing = [name for name in needed if name not in frame.columns]
    if missing:
        raise DataError(f"{path} has no column {short_list(missing)}; it has {short_list(frame.columns)}")


def read_raw_table(path: Path, named: Collection[str] = ()) -> RawTable:
    """A table in text (CSV and its relatives, also in gzip), JSON or Parquet, told apart by its content.

    Text keeps its text, so that `000001` stays a name; text that `engine.csv_text` defused is restored.

    Parameters
    ----------
    path
        The file.
    named
        Columns that the user named: a first line with one of them holds names, whatever it looks like.

    Raises
    ------
    DataError
        For a file that is missing, too large, damaged, no table, or a table that leaves open which cell is whose.
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
        raise DataError(f"{path} is not whole text in {error.encoding}; save it again as UTF-8") from None
    except (OSError, ValueError, csv.Error, pa.ArrowException) as error:
        raise DataError(f"{path} cannot be read as a table: {problem_of(error)}") from error


def _unzipped(file: BinaryIO) -> bytes:
    try:
        with gzip.GzipFile(fileobj=file) as stream:
            content = stream.read(TABLE_BYTES + 1)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise ValueError("its gzip data is damaged or cut short; download or copy it again") from None
    if len(content) > TABLE_BYTES:
        raise ValueError(f"it expands to more than {TABLE_BYTES // 10**6} MB; save it as Parquet")
    return content
