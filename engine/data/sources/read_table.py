"""Reads label tables, with errors that name the file and the problem."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from engine.csv_text import restored, with_text
from engine.errors import DataError


def read_table(path: Path, needed: Sequence[str]) -> pd.DataFrame:
    """A CSV, TSV or Parquet file; text columns keep their text, so that `000001` stays a name.

    Text that was defused in CSV (see `engine.csv_text`) is what it was.

    Raises `DataError` for a file that is missing, empty, not UTF-8 text, or without a needed column.
    """
    try:
        if path.suffix.lower() == ".parquet":
            table = pd.read_parquet(path)
        else:
            separator = "\t" if path.suffix.lower() in (".tsv", ".tab") else ","
            table = pd.read_csv(path, sep=separator, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except FileNotFoundError:
        raise DataError(f"{path} does not exist") from None
    except pd.errors.EmptyDataError:
        raise DataError(f"{path} is empty; it needs the columns {', '.join(needed)}") from None
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not text in UTF-8 (byte {error.start}); save it again as UTF-8") from None
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read as a table: {error}") from error
    table.columns = [str(name).strip() for name in table.columns]
    if path.suffix.lower() != ".parquet":
        table = with_text(table, restored)
    missing = [name for name in needed if name not in table.columns]
    if missing:
        raise DataError(f"{path} has no column {', '.join(missing)}; it has {', '.join(table.columns)}")
    return table
