"""Reads Parquet tables: all columns except pictures, which are read when needed."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

import pandas as pd
import pyarrow as pa
from pyarrow.parquet import ParquetFile

from engine.data.foreign_files import is_picture
from engine.data.sources.raw_table import RawTable, refuse_size
from engine.data.sources.table_pictures import MOST_EXPANDED_BYTES, TablePictures
from engine.short_text import short, short_list

_BATCH: Final = 4_096
_PEEKED_ROWS: Final = 256
_PEEKED_BATCH: Final = 16
_BUFFER: Final = 1 << 20


def parquet_table(file: BinaryIO, path: Path) -> RawTable:
    """The table of an open Parquet file.

    A column of bytes, or of `{bytes, path}`, holds pictures, file paths or other text. Columns of other bytes are
    left out.

    Raises `ValueError`, `OSError` or `ArrowException` if the file is damaged or too large.
    """
    parquet = ParquetFile(file, buffer_size=_BUFFER)
    metadata, schema = parquet.metadata, parquet.schema_arrow
    refuse_size(metadata.num_columns, metadata.num_rows)
    if repeated := sorted({name for name in schema.names if schema.names.count(name) > 1}):
        raise ValueError(f"several of its columns are called {short_list(repeated)}; rename all but one")
    groups = [metadata.row_group(place).num_rows for place in range(metadata.num_row_groups)]
    pictures: dict[str, TablePictures] = {}
    texts: dict[str, pd.Series] = {}
    leaves = {name: leaf for name in schema.names if (leaf := _bytes_in(schema, name)) is not None}
    for name, leaf in leaves.items():
        first = list(_first_bytes(parquet, leaf))
        if any(map(is_picture, first)):
            pictures[name] = TablePictures(path, leaf, _picture_names(parquet, name, leaf), groups)
            texts[name] = pd.Series(list(pictures[name].names), dtype=object)
        elif leaf != name:
            texts[name] = pd.Series(_values(parquet, f"{name}.path"), dtype=object)
        elif all(_text(value) is not None for value in first):
            texts[name] = pd.Series([_text(value) for value in _values(parquet, name)], dtype=object)
    frame = _frame(parquet, [name for name in schema.names if name not in leaves])
    for name, text in texts.items():
        frame.insert(0, name, text)
    notes = [f"the images are in the table itself, in column {short(name)}" for name in pictures]
    if left_out := [name for name in leaves if name not in texts]:
        notes.append(f"left out columns of bytes that are neither images nor text: {short_list(left_out)}")
    if coded := _with_class_names(frame, schema):
        notes.append(f"codes replaced by the names stored in the table: {short_list(coded)}")
    return RawTable(frame, tuple(notes), pictures=pictures)


def _bytes_in(schema: pa.Schema, name: str) -> str | None:
    """The place of a column's bytes: the column itself or its field `bytes`. None for a column without bytes."""
    kind = schema.field(name).type
    if _is_binary(kind):
        return name
    if pa.types.is_struct(kind) and {field.name for field in kind} == {"bytes", "path"}:
        return f"{name}.bytes" if _is_binary(kind.field("bytes").type) else None
    return None


def _is_binary(kind: pa.DataType) -> bool:
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind))


def _first_bytes(parquet: ParquetFile, leaf: str) -> Iterator[bytes]:
    """The values of the first rows with a value."""
    rows = 0
    for batch in parquet.iter_batches(_PEEKED_BATCH, columns=[leaf]):
        yield from (value for value in _leaf(batch, leaf).to_pylist() if value)
        rows += batch.num_rows
        if rows >= _PEEKED_ROWS:
            return


def _leaf(batch: pa.RecordBatch, leaf: str) -> pa.Array:
    column = batch.column(0)
    return column.field(leaf.rpartition(".")[2]) if pa.types.is_struct(column.type) else column


def _values(parquet: ParquetFile, leaf: str) -> list[object]:
    return [value for batch in _bounded(parquet, [leaf]) for value in _leaf(batch, leaf).to_pylist()]


def _picture_names(parquet: ParquetFile, name: str, leaf: str) -> list[str]:
    """The paths beside the bytes if each row has its own path, else `row 1`, `row 2`."""
    paths = [str(path).strip() if path else "" for path in _values(parquet, f"{name}.path")] if leaf != name else []
    if paths and all(paths) and len(set(paths)) == len(paths):
        return paths
    return [f"row {row}" for row in range(1, parquet.metadata.num_rows + 1)]


def _text(value: object) -> str | None:
    """The text that bytes encode; None for other bytes."""
    try:
        text = bytes(value).decode() if isinstance(value, bytes) else ""
    except UnicodeDecodeError:
        return None
    return text if text.isprintable() else None


def _frame(parquet: ParquetFile, names: list[str]) -> pd.DataFrame:
    """The columns, including a named index."""
    if not names:
        return pd.DataFrame(index=range(parquet.metadata.num_rows))
    batches = list(_bounded(parquet, names))
    schema = batches[0].schema if batches else pa.schema([parquet.schema_arrow.field(name) for name in names])
    table = pa.Table.from_batches(batches, schema)
    table.validate(full=True)  # invalid text would fail only when its cell is read
    frame: pd.DataFrame
    try:
        frame = table.to_pandas()
    except Exception:  # of any kind, if pandas' metadata in the file is damaged
        frame = table.to_pandas(ignore_metadata=True)
    named = [name for name in frame.index.names if name is not None and name not in frame.columns]
    return frame.reset_index(named).reset_index(drop=True) if named else frame.reset_index(drop=True)


def _bounded(parquet: ParquetFile, columns: list[str]) -> Iterator[pa.RecordBatch]:
    """Reads the file in parts, because a small file may expand to any size."""
    expanded = 0
    for batch in parquet.iter_batches(_BATCH, columns=columns):
        expanded += batch.nbytes
        if expanded > MOST_EXPANDED_BYTES:
            raise ValueError(f"it expands to more than {MOST_EXPANDED_BYTES / 1e9:g} GB")
        yield batch


def _with_class_names(frame: pd.DataFrame, schema: pa.Schema) -> list[str]:
    """Replaces class codes by the names that Hugging Face stores in the file; returns the columns changed."""
    try:
        features = json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"]
        classes = {
            name: [str(one) for one in feature["names"]]
            for name, feature in features.items()
            if isinstance(feature, dict) and feature.get("_type") == "ClassLabel"
        }
    except (KeyError, TypeError, AttributeError, ValueError):
        return []
    coded = [name for name in classes if name in frame and pd.api.types.is_numeric_dtype(frame[name])]
    for name in coded:
        names = classes[name]
        values = [names[int(code)] if 0 <= code < len(names) else None for code in frame[name].fillna(-1)]
        frame[name] = pd.Series(values, dtype=object, index=frame.index)
    return coded
