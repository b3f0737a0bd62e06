"""`ageui data`: registers, checks and shows data sets, and makes synthetic ones."""

import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ageui.cli import completion
from ageui.cli.command_group import CommandGroup
from ageui.cli.data_options import DataName, TargetOption, registered, target_of
from ageui.cli.data_sheet import sheet
from ageui.cli.options import AsJson, Database, Files, messages, open_store, print_json, results
from ageui.text.sentences import counted
from engine import choices

if TYPE_CHECKING:
    from engine.data.spec import DataSpec

app = CommandGroup(help="Data sets: register, list, check, show, make.", no_args_is_help=True)


@app.command("add")
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
    ignore: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="File of image names to leave out, one per line.", show_default=False),
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
        raise DataError(f"{path} does not exist; give the folder or table of the data set")
    if data_format is not None and data_format not in choices.DATA_FORMATS[:-1]:
        raise ConfigError(f"--format {data_format}: choose one of {', '.join(choices.DATA_FORMATS[:-1])}")
    valid_name(name, "data set name")
    if any("\ud800" <= character <= "\udfff" for character in str(path.absolute())):
        raise ConfigError(f"the path {clean(str(path))} is no text in {sys.getfilesystemencoding()}; rename it")
    found = data_format or detect_format(path)
    spec = _spec(name, path, found, columns, ignore, skip_bad, fractions)
    console = messages()
    with open_store(db, create=True, files=files) as store:
        _refuse_taken(store.data.all(), name, replace)
        console.print(f"format {found}: {'as told' if data_format else 'detected; another one with --format'}")
        with count_progress(console) as progress:
            report = check(spec, target_of(target), cache=cache_folder(), progress=progress)
        if as_json:
            print_json(asdict(report))
        if not skip_bad:
            refuse(name, report.problems)
        store.data.add(spec, replace=replace)
    if report.problems:
        console.print(f"rows or images left out: {len(report.problems)}; see ageui data check {name}", soft_wrap=True)
    if not as_json:
        typer.echo(report.headline)


@app.command("list")
def list_data(db: Database = None, as_json: AsJson = False) -> None:
    """List the registered data sets; synthetic is always there.

    ageui data list
    """
    from ageui.files.database_path import database_path
    from ageui.present.table import Table
    from ageui.present.terminal import rich_table
    from engine.data.spec import BUILT_IN

    specs = [BUILT_IN]
    if database_path(db).exists():
        with open_store(db, read_only=True) as store:
            specs = store.data.all()
    if as_json:
        print_json([spec.model_dump(mode="json") for spec in specs])
        return
    rows = []
    for spec in specs:
        there = spec.path is None or Path(spec.path).exists()
        where = "drawn when needed" if spec.path is None else spec.path + ("" if there else "  (not there now)")
        rows.append((spec.name, spec.format, where))
    results().print(rich_table(Table.of_names(("name", "format", "where"), rows)))


@app.command("check")
def check_data(
    name: DataName,
    quick: Annotated[bool, typer.Option("--quick", help="Read the rows only, not the images.")] = False,
    target: TargetOption = "apparent",
    db: Database = None,
    as_json: AsJson = False,
) -> None:
    """Count groups, show sample weights, and look for bad items and near-duplicate images.

    The exit code is 3 if items cannot be used, or a course edition's counts are not the published ones.

        ageui data check appa-real
        ageui data check synthetic --quick
    """
    from dataclasses import asdict

    from ageui.cli.progress import count_progress
    from engine.data.check import check, count
    from engine.paths import cache_folder

    spec = registered(name, db)
    if quick:
        report = count(spec, target_of(target))
    else:
        with count_progress(messages()) as progress:
            report = check(spec, target_of(target), cache=cache_folder(), progress=progress)
    if as_json:
        print_json(asdict(report))
    else:
        from ageui.cli.data_report import print_data_report

        print_data_report(report)
    if (report.problems and not spec.skip_bad) or any(not row.matches for row in report.course_counts):
        raise typer.Exit(3)


app.command("sheet")(sheet)


@app.command("remove")
def remove(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="A registered data set.", autocompletion=completion.registered_data)
    ],
    db: Database = None,
) -> None:
    """Forget a data set. Its files and the runs on it stay.

    ageui data remove appa-real
    """
    with open_store(db) as store:
        store.data.remove(name)
    messages().print(f"{name} is no longer registered; its files are untouched")


@app.command("make")
def make(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="A new folder.")],
    counts: Annotated[str, typer.Option(metavar="T,V,E", help="Train, valid and test images.")] = "1600,400,400",
    seed: Annotated[
        int, typer.Option(min=0, max=2**31 - 1, metavar="N", help="The same seed draws the same faces.")
    ] = 0,
    image_size: Annotated[
        int, typer.Option(min=32, max=1024, metavar="PIXELS", help="Side of an image, 32 to 1024.")
    ] = 224,
    shift: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ATTRIBUTE=GROUP:YEARS",
            help="Bias: add years to a group's train labels; may be repeated.",
            show_default=False,
        ),
    ] = None,
    noise: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ATTRIBUTE=GROUP:YEARS",
            help="Bias: standard deviation of an error put on a group's labels; may be repeated.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Draw synthetic faces to disk, in the format of the course's image folders.

    The groups are as unequal as in the course's data. A model that learns well shows a shifted group's years as its
    signed error, and cannot undo a noisy group's larger error: both biases are known in advance.

        ageui data make drawn --counts 600,200,0 --shift gender=female:5
    """
    from ageui.cli.progress import count_progress
    from engine.data.make_faces import make_faces
    from engine.data.spec import SyntheticOptions

    options = SyntheticOptions(
        counts=_three_integers(counts),
        seed=seed,
        image_size=image_size,
        label_shift=_group_years("--shift", shift or []),
        label_noise=_group_years("--noise", noise or [], least=0),
    )
    with count_progress(messages()) as progress:
        make_faces(path, options, progress)
    typer.echo(f"{counted(sum(options.counts), 'face')}: {path}")
    messages().print(f"use them with: ageui data add NAME {path}", soft_wrap=True)


def _spec(
    name: str,
    path: Path,
    data_format: str,
    columns: str | None,
    ignore: Path | None,
    skip_bad: bool,
    fractions: str | None,
) -> "DataSpec":
    from engine.data.spec import DataSpec
    from engine.errors import ConfigError, DataError

    if columns is not None and data_format != "table":
        raise ConfigError(
            f"--columns goes with a table, but the format is {data_format}; say --format table if it is one"
        )
    if ignore is not None and not ignore.is_file():
        raise DataError(f"--ignore {ignore}: there is no such file")
    more = {} if fractions is None else {"fractions": _three_shares(fractions)}
    return DataSpec.model_validate(
        {
            "name": name,
            "format": data_format,
            "path": str(path.resolve()),
            "columns": _pairs("--columns", columns.split(",") if columns else []),
            "ignore": None if ignore is None else str(ignore.resolve()),
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


def _group_years(option: str, texts: list[str], least: float = -math.inf) -> dict[str, float]:
    """`["gender=female:5"]` as `{"gender=female": 5.0}`. Raises `ConfigError` for years below `least`."""
    from engine.errors import ConfigError

    found = {}
    for text in texts:
        group, colon, years = text.rpartition(":")
        try:
            found[group] = float(years)
        except ValueError:
            colon = ""
        if not colon or "=" not in group:
            raise ConfigError(f"{option} {text}: write it as attribute=group:years, as in gender=female:5")
        if not math.isfinite(found[group]) or found[group] < least:
            raise ConfigError(f"{option} {text}: give a finite number of years{', 0 or more' if least == 0 else ''}")
    return found


def _three_integers(text: str) -> tuple[int, int, int]:
    from engine.data.spec import MOST_FACES
    from engine.errors import ConfigError

    try:
        train, valid, test = (int(part) for part in text.split(","))
    except ValueError:
        raise ConfigError(f"--counts {text}: give three numbers, as in 1600,400,400") from None
    if min(train, valid, test) < 0 or train < 2:
        raise ConfigError(f"--counts {text}: give at least 2 train images, and none below 0")
    if max(train, valid, test) > MOST_FACES:
        raise ConfigError(f"--counts {text}: give at most {MOST_FACES:,} images a split")
    return train, valid, test


def _three_shares(text: str) -> tuple[float, float, float]:
    from engine.errors import ConfigError

    try:
        train, valid, test = (float(part) for part in text.split(","))
    except ValueError:
        raise ConfigError(f"--fractions {text}: give three shares, as in 0.7,0.15,0.15") from None
    if min(train, valid, test) < 0 or train == 0 or abs(train + valid + test - 1) > 1e-6:
        raise ConfigError(f"--fractions {text}: the shares must add up to 1, with some for train")
    return train, valid, test
