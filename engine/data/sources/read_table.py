"""Reads label tables, with errors that name the file and the problem."""

from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, Final

import pandas as pd
import pyarrow as pa
from pyarrow.parquet import ParquetFile

from engine.bounded_files import TABLE_BYTES, open_regular, problem_of
from engine.csv_text import restored, with_text
from engine.data.spec import LONGEST_HEADER, SEPARATORS
from engine.errors import DataError

MOST_COLUMNS: Final = 1_000
MOST_ROWS: Final = 5_000_000
_PARQUET_BATCH: Final = 4_096
_MOST_EXPANDED_BYTES: Final = 4 * TABLE_BYTES


def read_table(path: Path, needed: Sequence[str]) -> pd.DataFrame:
    """A CSV, TSV or Parquet file; text columns keep their text, so that `000001` stays a name.

    Text that `engine.csv_text` defused is restored.

    Raises `DataError` for a file that is missing, empty, not UTF-8 text, without a needed column, or too large.
    """
    try:
        with open_regular(path, TABLE_BYTES) as file:
            if path.suffix.lower() == ".parquet":
                table = _parquet(file)
            else:
                table = _text(file, SEPARATORS.get(path.suffix.lower(), ","))
    except FileNotFoundError:
        raise DataError(f"{path} does not exist") from None
    except pd.errors.EmptyDataError:
        raise DataError(f"{path} is empty; it needs the columns {', '.join(needed)}") from None
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not text in UTF-8 (byte {error.start}); save it again as UTF-8") from None
    except (OSError, ValueError, pa.ArrowException) as error:
        raise DataError(f"{path} cannot be read as a table: {problem_of(error)}") from error
    table.columns = [str(name).strip() for name in table.columns]
    if path.suffix.lower() != ".parquet":
        table = with_text(table, restored)
    missing = [name for name in needed if name not in table.columns]
    if missing:
        raise DataError(f"{path} has no column {', '.join(missing)}; it has {', '.join(table.columns)}")
    return table


def _text(file: BinaryIO, separator: str) -> pd.DataFrame:
    header = file.readline(LONGEST_HEADER)
    while header.isspace():
        header = file.readline(LONGEST_HEADER)
    _refuse_size(header.count(separator.encode()) + 1, 0)
    file.seek(0)
    table = pd.read_csv(
        file, sep=separator, dtype=str, keep_default_na=False, encoding="utf-8-sig", nrows=MOST_ROWS + 1
    )
    _refuse_size(len(table.columns), len(table))
    return table


def _parquet(file: BinaryIO) -> pd.DataFrame:
    """Reads a part at a time, because a small file may expand to any size."""
    parquet = ParquetFile(file)
    _refuse_size(parquet.metadata.num_columns, parquet.metadata.num_rows)
    batches, expanded = [], 0
    for batch in parquet.iter_batches(_PARQUET_BATCH):
        expanded += batch.nbytes
        if expanded > _MOST_EXPANDED_BYTES:
            raise ValueError(f"it expands to more than {_MOST_EXPANDED_BYTES / 1e9:g} GB")
        batches.append(batch)
    table: pd.DataFrame = pa.Table.from_batches(batches, parquet.schema_arrow).to_pandas()
    return table


def _refuse_size(columns: int, rows: int) -> None:
    if columns > MOST_COLUMNS:
        raise ValueError(f"it has {columns:,} columns, more than the limit of {MOST_COLUMNS:,}; keep those to use")
    if rows > MOST_ROWS:
        raise ValueError(f"it has more than {MOST_ROWS:,} rows; split it into several data sets")
