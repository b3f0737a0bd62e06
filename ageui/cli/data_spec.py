"""Turns the options of `ageui data add` into a `DataSpec`."""

import math
from pathlib import Path

from engine.bounded_files import other_kind
from engine.data.sources.split_names import parse_folds, parse_split_map
from engine.data.spec import MOST_BINS, RESERVED_COLUMNS, Bins, DataSpec
from engine.errors import ConfigError, DataError

_FORMATS_WITH_SPLITS = ("course", "appa_real")


def described(
    name: str,
    path: Path,
    data_format: str,
    *,
    columns: str | None,
    bins: str | None,
    images: Path | None,
    ignore: Path | None,
    skip_bad: bool,
    fractions: str | None,
    split_map: str | None,
    folds: str | None,
    age_scale: str | None,
    photos: bool = False,
    halve_valid: bool = False,
) -> DataSpec:
    """The data set that the options describe, with their texts as typed; None for options left out.

    Raises `ConfigError` for an option that is malformed or does not fit the format, and `DataError` for missing files.
    """
    for_tables = {"--columns": columns, "--bins": bins, "--images": images, "--split-map": split_map, "--folds": folds}
    if data_format != "table" and (given := [option for option, text in for_tables.items() if text is not None]):
        raise ConfigError(
            f"{given[0]} is for tables, but the format is {data_format}; leave it out, or add --format table"
        )
    if fractions is not None and data_format in _FORMATS_WITH_SPLITS:
        raise ConfigError(f"--fractions: data in the format {data_format} has its own splits; leave the option out")
    if split_map is not None and folds is not None:
        raise ConfigError("--split-map and --folds exclude each other; leave one out")
    intervals = {one: _bins(one, text) for one, text in _pairs("--bins", bins).items()}
    fields = {
        "name": name,
        "format": data_format,
        "path": _absolute(path),
        "columns": {attribute: attribute for attribute in intervals} | _pairs("--columns", columns),
        "ignore": None if ignore is None else _file("--ignore", ignore),
        "images": None if images is None else _folder("--images", images),
        "skip_bad": skip_bad,
        "photos": photos,
        "halve_valid": halve_valid,
        "bins": intervals,
        "keep_copies_together": data_format not in _FORMATS_WITH_SPLITS,
        "fractions": None if fractions is None else _three_shares(fractions),
        "split_map": None if split_map is None else parse_split_map(split_map),
        "age_scale": None if age_scale is None else _years(age_scale),
    }
    if folds is not None:
        fields["split_map"] = parse_folds(folds)
    return DataSpec.model_validate({field: value for field, value in fields.items() if value is not None})


def _absolute(path: Path) -> str:
    """The resolved path; a linked table keeps the link's folder, since its images may lie there."""
    return str(path.parent.resolve() / path.name if path.is_symlink() and path.is_file() else path.resolve())


def _folder(option: str, path: Path) -> str:
    path = path.expanduser()
    if not path.is_dir():
        raise DataError(f"{option} {path}: the folder does not exist; check the path")
    return str(path.resolve())


def _file(option: str, path: Path) -> str:
    if not path.is_file():
        kind = other_kind(path)
        what = f"it is {kind}, not a regular file" if kind else "the file does not exist"
        raise DataError(f"{option} {path}: {what}; check the path")
    return str(path.resolve())


def _years(text: str) -> float:
    """The number of years in `100` or `1/12`."""
    above, _, below = text.partition("/")
    try:
        years = float(above) / float(below or 1)
    except (ValueError, ZeroDivisionError):
        years = math.nan
    if not 0 < years < math.inf:
        raise ConfigError(f"--age-scale {text}: give the years per unit of age, as in 100 or 1/12")
    return years


def _pairs(option: str, texts: str | None) -> dict[str, str]:
    """`a=b,c=d` as a mapping."""
    pairs = {}
    for text in texts.split(",") if texts else ():
        key, equals, value = text.partition("=")
        if not equals or not key.strip() or not value.strip():
            raise ConfigError(f"{option} {text}: write name=value")
        pairs[key.strip()] = value.strip()
    return pairs


def _bins(attribute: str, text: str) -> Bins:
    """The number of intervals, or the edges between them."""
    option = f"--bins {attribute}={text}"
    if attribute == "age":
        raise ConfigError(f"{option}: a run sets the intervals of age; use ageui run --set age_edges=20,40,60")
    if attribute in RESERVED_COLUMNS:
        raise ConfigError(f"{option}: {attribute} is not an attribute; name a numeric attribute")
    wanted = f"give a number of intervals from 2 to {MOST_BINS}, or rising edges, as in {attribute}=18.5/25/30"
    if text.isascii() and text.isdigit():
        if len(text) > len(str(MOST_BINS)) or not 2 <= int(text) <= MOST_BINS:
            raise ConfigError(f"{option}: {wanted}")
        return int(text)
    try:
        edges = tuple(float(part) for part in text.split("/"))
    except ValueError:
        raise ConfigError(f"{option}: {wanted}") from None
    if not all(map(math.isfinite, edges)) or list(edges) != sorted(set(edges)) or len(edges) >= MOST_BINS:
        raise ConfigError(f"{option}: {wanted}")
    return edges


def _three_shares(text: str) -> tuple[float, float, float]:
    try:
        train, valid, test = (float(part) for part in text.split(","))
    except ValueError:
        raise ConfigError(f"--fractions {text}: give three shares, as in 0.7,0.15,0.15") from None
    if not (train > 0 and valid >= 0 and test >= 0 and abs(train + valid + test - 1) <= 1e-6):
        raise ConfigError(f"--fractions {text}: give shares that add up to 1, with more than 0 for train")
    return train, valid, test
