"""`ageui data add`: registers a data set after reading all of it."""

import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ageui.cli import completion
from ageui.cli.data_options import TargetOption, target_of
from ageui.cli.options import AsJson, Database, Files, messages, open_store, print_json
from engine import choices

if TYPE_CHECKING:
    from engine.data.spec import DataSpec


SHOWN = 3


def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the data set here.")],
    path: Annotated[Path, typer.Argument(metavar="PATH", help="Its folder, or a table of images.")],
    data_format: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="|".join(choices.DATA_FORMATS[:-1]),
            help="Its format; else detected.",
            autocompletion=completion.words(*choices.DATA_FORMATS[:-1]),
            show_default=False,
        ),
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option(
            metavar="image=FILE,age=YEARS,…",
            help="A table's columns for image, age, real_age, age_std, split, subject and attributes.",
            show_default=False,
        ),
    ] = None,
    bins: Annotated[
        str | None,
        typer.Option(
            metavar="ATTRIBUTE=N,…",
            help="Make intervals of an attribute's numbers: how many, or their edges, as in bmi=18.5/25/30.",
            show_default=False,
        ),
    ] = None,
    images: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Folder where a table's relative image paths start; else its own.", show_default=False
        ),
    ] = None,
    ignore: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="File of image names to leave out: one per line, or a CSV with img_name.",
            show_default=False,
        ),
    ] = None,
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="Leave out rows and images that cannot be used.")
    ] = False,
    fractions: Annotated[
        str | None,
        typer.Option(
            metavar="T,V,E", help="Shares of train, valid and test if the data has no splits.", show_default=False
        ),
    ] = None,
    split_map: Annotated[
        str | None,
        typer.Option(
            metavar="NAME=SPLIT,…",
            help="What a table's names of splits stand for: train, valid, test, or none to leave rows out.",
            show_default=False,
        ),
    ] = None,
    folds: Annotated[
        str | None,
        typer.Option(
            metavar="TRAIN/VALID/TEST",
            help="A table's folds for train, valid and test, as in 0-2/3/4.",
            show_default=False,
        ),
    ] = None,
    age_scale: Annotated[
        str | None,
        typer.Option(
            metavar="YEARS",
            help="Years that an age of 1 stands for: 100 for ages within 0 and 1, 1/12 for months; else 1.",
            show_default=False,
        ),
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace a data set of that name.")] = False,
    target: TargetOption = "apparent",
    db: Database = None,
    files: Files = None,
    as_json: AsJson = False,
) -> None:
    """Register a data set, after reading every row and every image of it once.

    Nothing is copied: the files stay where they are. Rows that cannot be used stop the import and are listed, unless
    --skip-bad leaves them out. A table's columns are found by the usual names, and ages may be ranges: every guess is
    printed and kept with the data set.

        ageui data add appa-real ~/appa-real
        ageui data add mine faces.csv --columns image=file,age=years,gender=sex
        ageui data add mine labels/faces.csv --images pictures --ignore bad.txt
        ageui data add adience folds.csv --folds 0-2/3/4
    """
    import dataclasses

    from ageui.cli.progress import count_progress
    from ageui.store.names import valid_name
    from ageui.text.clean import clean
    from ageui.text.leaks import leak_lines, near_duplicates_lines
    from engine.data.check import examine
    from engine.data.manifest import refuse, refuse_useless
    from engine.data.report import listed
    from engine.data.sources import detect_format, settled
    from engine.errors import ConfigError, DataError
    from engine.paths import cache_folder

    if not path.exists():
        what = "is a link that leads nowhere" if path.is_symlink() else "does not exist"
        raise DataError(f"{path} {what}; give the folder or table of the data set")
    if data_format is not None and data_format not in choices.DATA_FORMATS[:-1]:
        raise ConfigError(f"--format {data_format}: choose one of {', '.join(choices.DATA_FORMATS[:-1])}")
    valid_name(name, "data set name")
    if any("\ud800" <= character <= "\udfff" for character in str(path.absolute())):
        raise ConfigError(f"the path {clean(str(path))} is no text in {sys.getfilesystemencoding()}; rename it")
    found = data_format or detect_format(path)
    spec = _spec(name, path, found, columns, bins, images, ignore, skip_bad, fractions)
    spec = spec.model_copy(update=_meaning(found, split_map, folds, age_scale))
    console = messages()
    with open_store(db, create=True, files=files) as store:
        _refuse_taken(store.data.all(), name, replace)
        console.print(f"format {found}: {'as told' if data_format else 'detected; another one with --format'}")
        spec, guesses = settled(spec, target_of(target))
        with count_progress(console) as progress:
            examined = examine(
                spec,
                target_of(target),
                cache=cache_folder(),
                progress=progress,
                judge=lambda rows: refuse_useless(rows, spec),
            )
        report = dataclasses.replace(examined.report, notes=(*guesses, *examined.report.notes))
        for note in report.notes:
            console.print(clean(note), soft_wrap=True)
        refuse_useless(report, spec)
        if as_json:
            print_json(dataclasses.asdict(report))
        if not skip_bad:
            refuse(name, report.problems)
        for line in (*leak_lines(report, SHOWN), *near_duplicates_lines(report)):
            console.print(clean(line), soft_wrap=True)
        for remark in report.remarks:
            console.print(clean(f"remark: {remark.text}"), soft_wrap=True)
        store.data.add(spec, replace=replace, counts=report.counts)
        store.data.remember(name, examined)
    if report.problems:
        console.print(f"rows or images left out: {len(report.problems)}")
        for line in listed(report.problems):
            console.print(clean(f"  {line}"), soft_wrap=True)
    if not as_json:
        typer.echo(report.headline)


def _spec(
    name: str,
    path: Path,
    data_format: str,
    columns: str | None,
    bins: str | None,
    images: Path | None,
    ignore: Path | None,
    skip_bad: bool,
    fractions: str | None,
) -> "DataSpec":
    from engine.bounded_files import other_kind
    from engine.data.spec import DataSpec
    from engine.errors import ConfigError, DataError

    for option, value in (("--columns", columns), ("--bins", bins), ("--images", images)):
        if value is not None and data_format != "table":
            raise ConfigError(
                f"{option} goes with a table, but the format is {data_format}; say --format table if it is one"
            )
    images = None if images is None else images.expanduser()
    if images is not None and not images.is_dir():
        raise DataError(f"--images {images}: there is no such folder")
    if ignore is not None and not ignore.is_file():
        kind = other_kind(ignore)
        raise DataError(
            f"--ignore {ignore}: {f'it is {kind}, not a regular file' if kind else 'there is no such file'}"
        )
    chosen = {one: _bins(one, text) for one, text in _pairs("--bins", bins.split(",") if bins else []).items()}
    named = _pairs("--columns", columns.split(",") if columns else [])
    more = {} if fractions is None else {"fractions": _three_shares(fractions)}
    return DataSpec.model_validate(
        {
            "name": name,
            "format": data_format,
            "path": str(path.parent.resolve() / path.name if path.is_symlink() and path.is_file() else path.resolve()),
            "columns": {**{attribute: attribute for attribute in chosen}, **named},
            "ignore": None if ignore is None else str(ignore.resolve()),
            "images": None if images is None else str(images.resolve()),
            "skip_bad": skip_bad,
            "bins": chosen,
            "keep_copies_together": data_format in ("table", "utkface"),
            **more,
        }
    )


def _meaning(
    data_format: str, split_map: str | None, folds: str | None, age_scale: str | None
) -> "dict[str, dict[str, str] | float]":
    """The fields of `DataSpec` for what a table's splits and ages stand for."""
    from engine.data.sources.split_names import parse_folds, parse_split_map
    from engine.errors import ConfigError

    found: dict[str, dict[str, str] | float] = {}
    for option, text, parse in (("--split-map", split_map, parse_split_map), ("--folds", folds, parse_folds)):
        if text is not None:
            if data_format != "table":
                raise ConfigError(f"{option} goes with a table, but the format is {data_format}")
            if found:
                raise ConfigError("--split-map and --folds: give one of them")
            found["split_map"] = parse(text)
    if age_scale is not None:
        found["age_scale"] = _years(age_scale)
    return found


def _years(text: str) -> float:
    """The years that `100` or `1/12` stands for."""
    from engine.errors import ConfigError

    above, _, below = text.partition("/")
    try:
        years = float(above) / float(below or 1)
    except (ValueError, ZeroDivisionError):
        years = math.nan
    if not 0 < years < math.inf:
        raise ConfigError(f"--age-scale {text}: give the years that an age of 1 stands for, as in 100 or 1/12")
    return years


def _refuse_taken(specs: "list[DataSpec]", name: str, replace: bool) -> None:
    """Refuses a taken name before the images are read, which takes minutes."""
    from engine.data.spec import BUILT_IN
    from engine.errors import ConfigError

    if name == BUILT_IN.name:
        raise ConfigError(f"{name!r} is the name of the built-in faces; choose another name")
    if any(spec.name == name for spec in specs) and not replace:
        raise ConfigError(f"there is a data set {name!r}; choose another name, or replace it with --replace")


def _pairs(option: str, texts: list[str]) -> dict[str, str]:
    from engine.errors import ConfigError

    pairs = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key.strip() or not value.strip():
            raise ConfigError(f"{option} {text}: write it as name=value")
        pairs[key.strip()] = value.strip()
    return pairs


def _bins(attribute: str, text: str) -> "int | tuple[float, ...]":
    """The number of intervals, or the edges between them."""
    import math

    from engine.data.spec import MOST_BINS, RESERVED_COLUMNS
    from engine.errors import ConfigError

    option = f"--bins {attribute}={text}"
    if attribute == "age":
        raise ConfigError(f"{option}: age has its own intervals, which a run chooses: --set age_edges=20,40,60")
    if attribute in RESERVED_COLUMNS:
        raise ConfigError(f"{option}: {attribute} is no attribute; give an attribute that holds numbers")
    wanted = f"give a number of intervals from 2 to {MOST_BINS}, or rising edges, as in {attribute}=18.5/25/30"
    if text.isascii() and text.isdigit():
        if not 2 <= int(text) <= MOST_BINS:
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
    from engine.errors import ConfigError

    try:
        train, valid, test = (float(part) for part in text.split(","))
    except ValueError:
        raise ConfigError(f"--fractions {text}: give three shares, as in 0.7,0.15,0.15") from None
    if not (train > 0 and valid >= 0 and test >= 0 and abs(train + valid + test - 1) <= 1e-6):
        raise ConfigError(f"--fractions {text}: the shares must add up to 1, with some for train")
    return train, valid, test
