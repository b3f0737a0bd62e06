"""`ageui data add`: registers a data set after reading every row and image."""

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from ageui.cli import completion
from ageui.cli.command_group import FURTHER
from ageui.cli.data_options import TargetOption, target_of
from ageui.cli.options import AsJson, Database, Files, open_store, print_json
from ageui.console.consoles import messages, print_prose
from engine import choices

_SHOWN = 3
_ATTRIBUTES_SHOWN, _LONGEST_ATTRIBUTE = 8, 40


def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name for the data set.")],
    path: Annotated[Path, typer.Argument(metavar="PATH", help="Folder of images, or a table that lists images.")],
    data_format: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="|".join(choices.DATA_FORMATS[:-1]),
            help="Format (default: detected).",
            autocompletion=completion.words(*choices.DATA_FORMATS[:-1]),
            show_default=False,
        ),
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option(
            metavar="image=FILE,age=YEARS,…",
            help="Columns of a table for image, age, real_age, age_std, split, subject and attributes.",
            show_default=False,
        ),
    ] = None,
    bins: Annotated[
        str | None,
        typer.Option(
            metavar="ATTRIBUTE=N,…",
            help="Group a numeric attribute into N intervals, or at edges, as in bmi=18.5/25/30.",
            show_default=False,
            rich_help_panel=FURTHER,
        ),
    ] = None,
    images: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Base folder of a table's relative image paths (default: the table's folder).",
            show_default=False,
        ),
    ] = None,
    ignore: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="File with names of images to leave out: one per line, or a table with a column such as img_name.",
            show_default=False,
            rich_help_panel=FURTHER,
        ),
    ] = None,
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Leave out unusable rows and images.")] = False,
    fractions: Annotated[
        str | None,
        typer.Option(
            metavar="T,V,E",
            help="Shares of train, valid and test, for data without splits.",
            show_default=False,
        ),
    ] = None,
    split_map: Annotated[
        str | None,
        typer.Option(
            metavar="NAME=SPLIT,…",
            help="Map a table's split names to train, valid, test, or none, which leaves rows out.",
            show_default=False,
            rich_help_panel=FURTHER,
        ),
    ] = None,
    folds: Annotated[
        str | None,
        typer.Option(
            metavar="TRAIN/VALID/TEST",
            help="Folds of a table to use as train, valid and test, as in 0-2/3/4.",
            show_default=False,
            rich_help_panel=FURTHER,
        ),
    ] = None,
    age_scale: Annotated[
        str | None,
        typer.Option(
            metavar="YEARS",
            help="Years per unit of age: 100 for ages from 0 to 1, 1/12 for months.",
            show_default=False,
            rich_help_panel=FURTHER,
        ),
    ] = None,
    crop: Annotated[
        bool,
        typer.Option("--crop", help="Treat the images as uncropped photos: runs use the main face in each."),
    ] = False,
    halve_valid: Annotated[
        bool,
        typer.Option(
            "--halve-valid",
            help="Turn half of the validation images into test images, for data without test images.",
            rich_help_panel=FURTHER,
        ),
    ] = False,
    replace: Annotated[bool, typer.Option("--replace", help="Replace the data set with that name.")] = False,
    below: Annotated[
        Path | None,
        typer.Option("--below", metavar="DIR", help="Refuse images outside this folder.", hidden=True),
    ] = None,
    target: TargetOption = "apparent",
    db: Database = None,
    files: Files = None,
    as_json: AsJson = False,
) -> None:
    """Register a data set after reading every row and image once.

    The files stay in place. The command lists unusable rows and images and stops, unless --skip-bad leaves them out.
    It detects the columns of a table by their usual names and accepts age ranges; it prints all guesses and stores
    them with the data set.

        ageui data add appa-real ~/appa-real
        ageui data add mine faces.csv --columns image=file,age=years,gender=m_f
        ageui data add mine labels/faces.csv --images pictures --ignore bad.txt
        ageui data add adience folds.csv --folds 0-2/3/4
        ageui data add party photos.csv --crop
    """
    import dataclasses

    from ageui.cli.data_spec import described
    from ageui.console.progress import count_progress
    from ageui.present.terminal import shortened
    from ageui.store.names import valid_name
    from ageui.text.clean import clean
    from ageui.text.leaks import leak_lines, near_duplicates_lines
    from ageui.text.sentences import counted
    from engine.data.check import examine
    from engine.data.manifest import refuse, refuse_useless
    from engine.data.report import listed, unusable
    from engine.data.sources import detect_format, settled
    from engine.errors import ConfigError, DataError
    from engine.paths import cache_folder

    if not path.exists():
        what = "is a broken link" if path.is_symlink() else "does not exist"
        raise DataError(f"{path} {what}; give the folder or table of the data set")
    if data_format is not None and data_format not in choices.DATA_FORMATS[:-1]:
        raise ConfigError(f"--format {data_format}: choose one of {', '.join(choices.DATA_FORMATS[:-1])}")
    name = valid_name(name, "data set name")
    if any("\ud800" <= character <= "\udfff" for character in str(path.absolute())):
        raise ConfigError(f"the path {clean(str(path))} is not valid {sys.getfilesystemencoding()}; rename it")
    spec = described(
        name,
        path,
        data_format or detect_format(path),
        columns=columns,
        bins=bins,
        images=images,
        ignore=ignore,
        skip_bad=skip_bad,
        fractions=fractions,
        split_map=split_map,
        folds=folds,
        age_scale=age_scale,
        photos=crop,
        halve_valid=halve_valid,
    )
    console = messages()

    def say(*lines: str) -> None:
        for line in lines:
            print_prose(console, line)

    with open_store(db, create=True, files=files) as store:
        store.data.refuse_taken(name, replace)
        if data_format is None:
            say(f"format {spec.format}, detected; choose another with --format")
        spec, guesses = settled(spec, target_of(target))
        with count_progress(console) as progress:
            examined = examine(
                spec,
                target_of(target),
                cache=cache_folder(),
                progress=progress,
                judge=lambda rows: refuse_useless(rows, spec),
                below=below,
            )
        if spec.format == "table":
            named = {*choices.REPORT_ATTRIBUTES, *spec.columns, *spec.bins}
            further = list(dict.fromkeys(group.attribute for group in examined.report.groups))
            further = [name for name in further if name not in named]
            shown = [shortened(name, _LONGEST_ATTRIBUTE) for name in further[:_ATTRIBUTES_SHOWN]]
            shown += [f"{len(further) - len(shown)} more"] if len(further) > len(shown) else []
            guesses += (f"further attributes: {', '.join(shown)}",) if further else ()
        if examined.splitless and spec.fold is None:
            shares = ", ".join(
                f"{split} {share:.0%}" for split, share in zip(choices.SPLITS, spec.fractions, strict=True)
            )
            rows = counted(examined.splitless, "image")
            guesses += (f"{rows} without a split, drawn by shares: {shares}; other shares: --fractions",)
        report = dataclasses.replace(examined.report, notes=(*guesses, *examined.report.notes))
        say(*report.notes)
        refuse_useless(report, spec)
        if as_json:
            print_json(dataclasses.asdict(report))
        if not skip_bad:
            refuse(name, report.problems)
        elif report.problems:
            say(f"left out {unusable(report.problems)}:", *(f"  {line}" for line in listed(report.problems)))
        if report.faceless is not None:
            say(report.faceless_sentence)
        say(*leak_lines(report, _SHOWN), *near_duplicates_lines(report))
        say(*(f"remark: {remark.text}" for remark in report.remarks))
        store.data.add(spec, replace=replace, counts=report.counts)
        store.data.remember(name, examined)
    if not as_json:
        typer.echo(report.headline)
        say(f"registered in {store.path}; to train on it: ageui run --data {shlex.quote(name)}")
