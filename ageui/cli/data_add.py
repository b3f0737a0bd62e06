"""`ageui data add`: registers a data set after reading all of it."""

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
    replace: Annotated[bool, typer.Option("--replace", help="Replace a data set of that name.")] = False,
    target: TargetOption = "apparent",
    db: Database = None,
    files: Files = None,
    as_json: AsJson = False,
) -> None:
    """Register a data set, after reading every row and every image of it once.

    Nothing is copied: the files stay where they are. Rows that cannot be used stop the import and are listed, unless
    --skip-bad leaves them out.

        ageui data add appa-real ~/appa-real
        ageui data add mine faces.csv --columns image=file,age=years,gender=sex
        ageui data add mine labels/faces.csv --images pictures --ignore bad.txt
    """
    from dataclasses import asdict

    from ageui.cli.progress import count_progress
    from ageui.store.names import valid_name
    from ageui.text.clean import clean
    from engine.data.check import check
    from engine.data.manifest import refuse
    from engine.data.sources import detect_format
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
    spec = _spec(name, path, found, columns, images, ignore, skip_bad, fractions)
    console = messages()
    with open_store(db, create=True, files=files) as store:
        _refuse_taken(store.data.all(), name, replace)
        console.print(f"format {found}: {'as told' if data_format else 'detected; another one with --format'}")
        with count_progress(console) as progress:
            report = check(spec, target_of(target), cache=cache_folder(), progress=progress)
        for note in report.notes:
            console.print(clean(note), soft_wrap=True)
        if as_json:
            print_json(asdict(report))
        if not skip_bad:
            refuse(name, report.problems)
        store.data.add(spec, replace=replace)
    if report.problems:
        console.print(f"rows or images left out: {len(report.problems)}; see ageui data check {name}", soft_wrap=True)
    if not as_json:
        typer.echo(report.headline)


def _spec(
    name: str,
    path: Path,
    data_format: str,
    columns: str | None,
    images: Path | None,
    ignore: Path | None,
    skip_bad: bool,
    fractions: str | None,
) -> "DataSpec":
    from engine.bounded_files import other_kind
    from engine.data.spec import DataSpec
    from engine.errors import ConfigError, DataError

    for option, value in (("--columns", columns), ("--images", images)):
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
    more = {} if fractions is None else {"fractions": _three_shares(fractions)}
    return DataSpec.model_validate(
        {
            "name": name,
            "format": data_format,
            "path": str(path.parent.resolve() / path.name if path.is_symlink() and path.is_file() else path.resolve()),
            "columns": _pairs("--columns", columns.split(",") if columns else []),
            "ignore": None if ignore is None else str(ignore.resolve()),
            "images": None if images is None else str(images.resolve()),
            "skip_bad": skip_bad,
            **more,
        }
    )


def _refuse_taken(specs: "list[DataSpec]", name: str, replace: bool) -> None:
    """Refuses a taken name before the images are read, which takes minutes."""
    from engine.errors import ConfigError

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


def _three_shares(text: str) -> tuple[float, float, float]:
    from engine.errors import ConfigError

    try:
        train, valid, test = (float(part) for part in text.split(","))
    except ValueError:
        raise ConfigError(f"--fractions {text}: give three shares, as in 0.7,0.15,0.15") from None
    if min(train, valid, test) < 0 or train == 0 or abs(train + valid + test - 1) > 1e-6:
        raise ConfigError(f"--fractions {text}: the shares must add up to 1, with some for train")
    return train, valid, test
