"""Tables of images in text, JSON or Parquet, with a mapping of their columns."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from engine.choices import Target
from engine.counted import counted
from engine.data.manifest import Manifest
from engine.data.sources.adience import with_image_names
from engine.data.sources.ages import AgeReader
from engine.data.sources.cells import is_mark, label_text
from engine.data.sources.ignore_list import ignore_list
from engine.data.sources.image_folder import ImageFolder
from engine.data.sources.number_columns import binned, comma_notes, number_remarks, unused_columns
from engine.data.sources.read_table import read_raw_table, refuse_missing
from engine.data.sources.source_rows import SourceRow, frame_of
from engine.data.sources.split_names import LEFT_OUT, read_splits
from engine.data.sources.table_columns import MOST_GROUPS
from engine.data.sources.table_pictures import TablePictures
from engine.data.spec import RESERVED_COLUMNS, DataSpec
from engine.errors import ConfigError, DataError
from engine.groups import TAKEN_NAMES
from engine.short_text import quoted, short_list

MOST_ATTRIBUTES = 50
_TRIED = 20


def load(spec: DataSpec, path: Path, target: Target) -> Manifest:
    """The manifest of a table. Image paths are relative to its folder, or to the one named in the spec.

    Other columns become attributes if `columns` names them, or if they hold text with at most 20 distinct values. The
    split of a row without one is None.
    """
    columns = {name: spec.columns.get(name, name) for name in RESERVED_COLUMNS}
    age = columns["age"] if target == "apparent" else columns["real_age"]
    raw = with_image_names(read_raw_table(path, spec.columns.values()), spec, path)
    table = raw.frame
    _refuse_columns(spec, path, table, columns["image"], age, target)
    attributes = _attributes(table, spec.columns, {*columns.values(), *TAKEN_NAMES}, path)
    extra = [name for name in ("real_age", "age_std", "subject") if columns[name] in table.columns]
    cells = table[columns["split"]].tolist() if columns["split"] in table.columns else [None] * len(table)
    splits, split_notes = read_splits(cells, spec.split_map, spec.fractions)
    folder = _image_folder(spec, path, table[columns["image"]].iloc[:_TRIED])
    ignored, ages = ignore_list(spec, folder.root), AgeReader(spec.age_scale)
    rows = ignored.without(_rows(table, columns, age, attributes, extra, splits))
    frame, problems = frame_of(rows, list(attributes), extra, ages)
    notes = [*raw.notes, *ages.notes(), *split_notes]
    used = {age, *columns.values(), *attributes.values(), *TAKEN_NAMES}
    remarks = [*unused_columns(table.drop(columns=[*used], errors="ignore"))]
    if "age_std" in extra:
        remarks += number_remarks("age_std", table[columns["age_std"]])
        notes += comma_notes("age_std", table[columns["age_std"]])
    notes += _mark_notes(table, [*attributes.values(), *(columns[name] for name in extra if name == "subject")])
    for attribute, bins in spec.bins.items():
        frame[attribute], unread = binned(frame[attribute], attribute, bins)
        remarks += unread
    images: TablePictures | ImageFolder = folder
    if (pictures := raw.pictures.get(columns["image"])) is None:
        frame, missing, found = folder.without_missing(frame)
        problems += missing
        notes += found
    elif spec.images is None:
        images = pictures
    else:
        raise ConfigError(f"--images is not used, because the images are in {path} itself; leave it out")
    return Manifest.of(
        spec.name,
        frame,
        list(attributes),
        images,
        problems=raw.problems + problems,
        notes=[*notes, *ignored.notes],
        remarks=remarks,
    )


def _refuse_columns(spec: DataSpec, path: Path, table: pd.DataFrame, image: str, age: str, target: Target) -> None:
    """Raises `DataError` if the table lacks a named column, and `ConfigError` if an attribute's name is taken."""
    if clashing := [name for name in spec.columns if name in TAKEN_NAMES and name not in RESERVED_COLUMNS]:
        raise ConfigError(f"--columns {clashing[0]}=…: this name is reserved; give the attribute another name")
    named = [column for name, column in spec.columns.items() if name != "age" or target == "apparent"]
    refuse_missing(path, table, list(dict.fromkeys([image, *named])))
    if age not in table.columns:
        raise ConfigError(
            f"{path} has no column {quoted(age)} for the {target} age; name it with --columns, or change the target; "
            f"it has {short_list(table.columns)}"
        )


def _image_folder(spec: DataSpec, path: Path, images: pd.Series) -> ImageFolder:
    """The folder where names start: the named folder, else the table's, else that of the file the table links to."""
    if spec.images is not None:
        return ImageFolder(Path(spec.images), is_open=True, is_chosen=True)
    own, real = path.parent, Path(os.path.realpath(path)).parent
    starts = sorted((own, real), key=lambda start: -sum(os.path.lexists(start / str(image)) for image in images))
    return ImageFolder(starts[0], is_open=True)


def _attributes(table: pd.DataFrame, mapping: dict[str, str], taken: set[str], path: Path) -> dict[str, str]:
    """Maps attributes to columns. Raises `DataError` for too many."""
    named = {name: column for name, column in mapping.items() if name not in RESERVED_COLUMNS}
    taken = taken | set(named.values())
    for column in table.columns:
        if column not in taken and column not in named and _is_categorical(table[column]):
            named[column] = column
    if len(named) > MOST_ATTRIBUTES:
        raise DataError(
            f"{path} has {len(named)} columns that look like attributes, more than the limit of {MOST_ATTRIBUTES}; "
            "keep only those whose groups you want to compare"
        )
    return named


def _is_categorical(values: pd.Series) -> bool:
    try:
        found = values.dropna().unique()
    except TypeError:  # such as the dictionaries of a Parquet file with embedded images
        return False
    if len(found) > MOST_GROUPS + 1:  # empty text is not a group
        return False
    distinct = {text for value in found if (text := label_text(value)) is not None}
    return 1 <= len(distinct) <= MOST_GROUPS and not all(_is_number(value) for value in distinct)


def _mark_notes(table: pd.DataFrame, columns: Sequence[str]) -> Iterator[str]:
    for column in dict.fromkeys(columns):
        if len(marks := table[column][table[column].map(is_mark)]):
            yield f"{counted(len(marks), 'cell')} of {quoted(column)} with {quoted(marks.iloc[0])}: read as empty"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _rows(
    table: pd.DataFrame,
    columns: dict[str, str],
    age: str,
    attributes: dict[str, str],
    extra: list[str],
    splits: Sequence[str | None],
) -> Iterator[SourceRow]:
    used = dict.fromkeys([columns["image"], age, *attributes.values(), *(columns[name] for name in extra)])
    for record, split in zip(table[list(used)].astype(object).to_dict("records"), splits, strict=True):
        if split == LEFT_OUT:
            continue
        yield SourceRow(
            str(record[columns["image"]]).strip(),
            split,
            record[age],
            {name: record[column] for name, column in attributes.items()},
            {name: record[columns[name]] for name in extra},
        )
