"""`ageui data`: registers, checks and shows data sets, and draws synthetic faces."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ageui.cli import completion
from ageui.cli.command_group import CommandGroup
from ageui.cli.data_add import add
from ageui.cli.data_options import DataName, TargetOption, registered, target_of
from ageui.cli.data_sheet import sheet
from ageui.cli.options import AsJson, Database, open_store, print_json
from ageui.console.consoles import messages, results
from ageui.text.clean import clean
from ageui.text.sentences import counted
from engine.choices import SPLITS

if TYPE_CHECKING:
    from engine.data.check import Examined
    from engine.data.report import DataCounts
    from engine.data.spec import DataSpec

app = CommandGroup(
    help="""Register, list, check and show data sets, and draw synthetic faces.

        ageui data add mine ~/faces.csv
        ageui data check mine
        ageui data list
    """,
    no_args_is_help=True,
)


app.command("add")(add)


@app.command("list")
def list_data(db: Database = None, as_json: AsJson = False) -> None:
    """List the registered data sets, and synthetic, with their images per split.

    --json adds the labelled images per split and group, counted when the data set was added.

        ageui data list
    """
    from ageui.files.database_path import database_path
    from ageui.present.table import Table
    from ageui.present.terminal import rich_table
    from engine.data.spec import BUILT_IN

    specs, counts = [BUILT_IN], {}
    if database_path(db).exists():
        with open_store(db, read_only=True) as store:
            specs, counts = store.data.all(), store.data.counts()
    if as_json:
        from engine.data.check import count

        counts[BUILT_IN.name] = count(BUILT_IN).counts
        print_json([{**spec.model_dump(mode="json"), "counts": counts.get(spec.name)} for spec in specs])
        return
    rows = []
    for spec in specs:
        there = spec.path is None or Path(spec.path).exists()
        where = "drawn when needed" if spec.path is None else spec.path + ("" if there else "  (missing)")
        rows.append((spec.name, spec.format, _images(spec, counts.get(spec.name)), where))
    results().print(rich_table(Table.of_names(("name", "format", "images", "where"), rows)))
    if any(spec.path is not None and spec.name not in counts for spec in specs):
        messages().print(
            "unknown: the data set was added before ageui counted images; count them with ageui data check, or repeat "
            "ageui data add with --replace",
            soft_wrap=True,
        )


def _images(spec: "DataSpec", counts: "DataCounts | None") -> str:
    """`train 1600, valid 400`."""
    if spec.path is None:
        images = dict(zip(SPLITS, spec.synthetic.counts, strict=True))
    elif counts is None:
        return "unknown"
    else:
        images = {split: count["images"] for split, count in counts["splits"].items()}
    return ", ".join(f"{split} {number}" for split, number in images.items() if number)


@app.command("check")
def check_data(
    name: DataName,
    quick: Annotated[bool, typer.Option("--quick", help="Read only the rows, not the images.")] = False,
    faces: Annotated[
        bool, typer.Option("--faces", help="Also look for a face in each image, as --crop aligned does.")
    ] = False,
    target: TargetOption = "apparent",
    db: Database = None,
    as_json: AsJson = False,
) -> None:
    """Count groups, show sample weights, and find unusable images and duplicates.

    The command stores the duplicates with the data set; scores then count images that have a duplicate in train.

    The exit code is 3 if images or rows are unusable, or if the counts of a course edition differ from the published
    counts.

        ageui data check appa-real
        ageui data check synthetic --quick
        ageui data check appa-real --faces
    """
    from dataclasses import asdict

    from ageui.console.progress import count_progress
    from engine.data.check import count, examine
    from engine.paths import cache_folder

    spec = registered(name, db)
    if quick:
        report = count(spec, target_of(target), cache=cache_folder())
    else:
        with count_progress(messages()) as progress:
            examined = examine(spec, target_of(target), cache=cache_folder(), progress=progress, faces=faces)
        report = examined.report
        _remember(spec, examined, db)
    if as_json:
        print_json(asdict(report))
    else:
        from ageui.cli.data_report import print_data_report

        print_data_report(report)
    if (report.problems and not spec.skip_bad) or any(not row.matches for row in report.course_counts):
        raise typer.Exit(3)


def _remember(spec: "DataSpec", examined: "Examined", db: Path | None) -> None:
    """Stores the findings about the images with the data set, unless the database cannot be written."""
    from engine.errors import StoreError

    if spec.path is None:
        return
    try:
        with open_store(db, rescores=False) as store:
            store.data.remember(spec.name, examined)
    except StoreError as error:
        messages().print(clean(f"the duplicates were not stored with the data set: {error}"), soft_wrap=True)


app.command("sheet")(sheet)


@app.command("remove")
def remove(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Registered data set.", autocompletion=completion.registered_data)
    ],
    db: Database = None,
) -> None:
    """Unregister a data set. Its files and its runs stay.

    ageui data remove appa-real
    """
    with open_store(db) as store:
        store.data.remove(name)
    messages().print(f"{name} unregistered; its files are untouched")


@app.command("make")
def make(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="New folder for the images.")],
    counts: Annotated[
        str, typer.Option(metavar="T,V,E", help="Number of train, valid and test images.")
    ] = "1600,400,400",
    seed: Annotated[
        int, typer.Option(min=0, max=2**31 - 1, metavar="N", help="Seed; the same seed draws the same faces.")
    ] = 0,
    image_size: Annotated[
        int, typer.Option(min=32, max=1024, metavar="PIXELS", help="Side of the images, 32 to 1024.")
    ] = 224,
    shift: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ATTRIBUTE=GROUP:YEARS",
            help="Bias: add years to a group's train labels; repeatable.",
            show_default=False,
        ),
    ] = None,
    noise: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ATTRIBUTE=GROUP:YEARS",
            help="Bias: add an error with this standard deviation to a group's labels; repeatable.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Draw synthetic faces into a folder, in the format of the course's image folders.

    The groups are as unequal as in the course's data. --shift and --noise add a known bias: a model that learns well
    shows the shifted years as the group's signed error, and cannot correct the larger error of a noisy group.

        ageui data make drawn --counts 600,200,0 --shift gender=female:5
    """
    from ageui.console.progress import count_progress
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
    messages().print(f"to register them: ageui data add NAME {path}", soft_wrap=True)


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
            raise ConfigError(f"{option} {text}: write attribute=group:years, as in gender=female:5")
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
        raise ConfigError(f"--counts {text}: give at least 2 train images and no negative number")
    if max(train, valid, test) > MOST_FACES:
        raise ConfigError(f"--counts {text}: give at most {MOST_FACES:,} images per split")
    return train, valid, test
