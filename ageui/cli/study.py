"""`ageui study`: trains the report's tables as grids of runs, and shows published beside measured figures."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ageui.cli.config_flags import THIS_RUN, option
from ageui.cli.memory import print_memory
from ageui.cli.options import (
    AsJson,
    CheckpointSeconds,
    Database,
    Files,
    Split,
    messages,
    open_store,
    print_json,
    results,
    sayer,
)
from ageui.cli.output import Force, chosen_format, print_or_write, refuse_target
from ageui.cli.report import Format, Output, report_target, write_document
from ageui.cli.waiting import wait_until_ended
from ageui.files.database_path import database_path
from engine import choices

if TYPE_CHECKING:
    from collections.abc import Callable

    from ageui.compare import ComparisonCache
    from ageui.store import Store
    from ageui.study import Choice, RemainingRuns, Study, StudyTable

app = typer.Typer(help="The report's tables: run them, resume them, see them beside it.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME", help="A study, as in: ageui study list; or a TOML file.")]
StudyPreset = Annotated[
    str | None,
    option("report is the study as published; else a preset for all but what it compares.", THIS_RUN,
           "|".join(choices.PRESETS)),
]  # fmt: skip
Data = Annotated[str | None, option("A registered data set, or synthetic.", THIS_RUN, "NAME")]
Assignments = Annotated[list[str] | None, option("Any field but those it compares.", THIS_RUN, "FIELD=VALUE", "--set")]


@app.command("list")
def list_studies(db: Database = None, as_json: AsJson = False) -> None:
    """List the studies: what each shows, and how many of its cells were measured here."""
    from ageui.cli.tables import print_fitted
    from ageui.present.figures import NUMBER
    from ageui.present.table import Cell, Column, Table, words
    from ageui.study import studies, study_table

    with _reading(db) as store:
        runs = store.scores.measured_runs() if store is not None else []
        tables = [study_table(study, store, runs=runs) for study in studies()]
    if as_json:
        print_json([_listed(table) for table in tables])
        return
    listed = Table.of_columns(
        (Column("study"), [words(table.study.name) for table in tables]),
        (Column("cells", "figure"), [Cell(len(table.study.runnable), unit=NUMBER) for table in tables]),
        (Column("measured", "figure"), [Cell(table.measured_cells or None, unit=NUMBER) for table in tables]),
        (Column("title"), [words(table.study.title) for table in tables]),
        (Column("shows", leaves=0), [words(table.study.shows) for table in tables]),
    )
    print_fitted(results(), listed, "ageui study show NAME, ageui study run NAME")


@app.command("show")
def show_study(
    name: Name,
    preset: StudyPreset = None,
    data: Data = None,
    settings: Assignments = None,
    split: Split = None,
    db: Database = None,
    as_json: AsJson = False,
) -> None:
    """Show a study: published figures, measured ones as mean ± std over seeds, differences, and whether the rankings
    of the cells agree. Of several ways in which it was run, the one with the most measured cells, unless one is named.
    """
    from ageui.study import load

    study = load(name)
    with _reading(db) as store:
        table = _tested_table(study, store, _choice(preset, data, settings), split)
        curves = _curves(store, table)
    if as_json:
        _print_json(table)
    else:
        _print_table(table, curves)


@app.command("export")
def export_study(
    name: Name,
    output_format: Annotated[
        str | None,
        typer.Option(
            "--format", metavar="md|csv|tex|html", help="Else that of the file's ending, or md.", show_default=False
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "--out", "-o", metavar="FILE", help="Write it there.", show_default=False)
    ] = None,
    preset: StudyPreset = None,
    data: Data = None,
    settings: Assignments = None,
    split: Split = None,
    force: Force = False,
    db: Database = None,
) -> None:
    """Write what ageui study show says as Markdown, CSV, LaTeX or HTML."""
    from ageui.study import load
    from ageui.study.study_export import FORMATS, export_text

    study = load(name)
    chosen = chosen_format(output_format, output, FORMATS, default="md")
    refuse_target(output, force, streams=True)
    with _reading(db) as store:
        table = _tested_table(study, store, _choice(preset, data, settings), split)
    print_or_write(export_text(table, chosen), output, f"{len(table.rows)} cells")


@app.command("report")
def report_study(
    name: Name,
    output: Output = None,
    report_format: Format = None,
    preset: StudyPreset = None,
    data: Data = None,
    settings: Assignments = None,
    split: Split = None,
    force: Force = False,
    db: Database = None,
) -> None:
    """Write a report of a study: published beside measured figures, then its runs side by side, with plots."""
    from ageui.compare import ComparisonCache
    from ageui.report import study_report
    from ageui.study import load

    study, known = load(name), ComparisonCache()
    target = report_target(output, report_format, f"study-{study.name}", force)
    with _reading(db) as store:
        table = _tested_table(study, store, _choice(preset, data, settings), split, known)
        ids = dict.fromkeys(run_id for row in table.rows for run_id in row.runs.values())
        runs = [store.runs.detail(run_id) for run_id in ids] if store else []
        predictions = store.scores.predictions if store else lambda run_id, split: None
        document = study_report(table, runs, predictions, known)
    write_document(document, target)


@app.command("run")
def run_study(
    name: Name,
    preset: StudyPreset = None,
    data: Data = None,
    seeds: Annotated[int, option("Repeat every cell with N seeds.", THIS_RUN, "N")] = 1,
    settings: Assignments = None,
    priority: Annotated[int, option("Higher is taken first.", THIS_RUN, "N")] = 0,
    detach: Annotated[
        bool, option("Queue what is missing and wait for nothing.", THIS_RUN, None, "--detach", "-d")
    ] = False,
    dry_run: Annotated[bool, option("Only print what would be queued.", THIS_RUN, None, "--dry-run")] = False,
    checkpoint_seconds: CheckpointSeconds = None,
    db: Database = None,
    files: Files = None,
    as_json: AsJson = False,
) -> None:
    """Train what is missing of a study in the background, wait for it, and show the table.

    Runs of the same config and data that are done, or still to be done, stand for their cells, in whichever study they
    were queued; failed, cancelled and interrupted ones go on from their checkpoints. So it can be stopped at any time,
    and the same command goes on. With no preset named, a CUDA device means report, none means quick.
    """
    from ageui.cli.background import start_missing_workers
    from ageui.cli.sweep import print_plan
    from ageui.study import describe, find_remaining, load
    from ageui.study.queueing import remaining_text, tag
    from ageui.worker.background_workers import refuse_missing_devices

    console, study = messages(), load(name)
    say = sayer(console)
    with open_store(db, create=True, files=files) as store:
        choice = _chosen_here(store, study, _choice(preset, data, settings), say)
        remaining = find_remaining(study, store, choice, seeds)
        devices = [run.config.device for run in remaining.new]
        refuse_missing_devices(devices)
        print_memory(console, remaining.new)
        say(remaining_text(study, remaining))
        say(f"trained on {describe(study, remaining.variant)}")
        if dry_run:
            print_plan(remaining.new, as_json=as_json)
            return
        ids = [*_continued(store, remaining), *store.runs.add_many(remaining.new, tags=[tag(study)], priority=priority)]
        left = [*(run.id for run in remaining.going), *ids]
        if left:
            start_missing_workers(store, [*devices, *_devices(store, left)], checkpoint_seconds, console)
        if detach:
            if as_json:
                print_json([store.runs.get(run_id).to_json() for run_id in ids])
            else:
                for run_id in ids:
                    typer.echo(run_id)
            return
        all_done = _waited(store, left, say)
        table = _tested_table(study, store, choice)
        curves = _curves(store, table)
    if as_json:
        _print_json(table)
    else:
        _print_table(table, curves)
    if not all_done or remaining.paused:
        raise typer.Exit(1)


@app.command("publish")
def publish_figures(db: Database = None) -> None:
    """Write the report's figures into the database, as runs named report/TABLE/CELL that nobody here trained.

    They stand beside measured runs in lists and comparisons; again is no different from once.
    """
    from ageui.study import publish

    with open_store(db, create=True) as store:
        total, new = publish(store)
        messages().print(f"{total} published runs in {store.path}, {new} of them new: ageui ls source=report")


@contextmanager
def _reading(db: Path | None) -> "Iterator[Store | None]":
    """The database, or None if it does not exist yet: published figures need none."""
    if not database_path(db).expanduser().exists():
        yield None
        return
    with open_store(db, read_only=True) as store:
        yield store


def _choice(preset: str | None, data: str | None, settings: list[str] | None) -> "Choice":
    from ageui.study.queueing import asked_choice

    return asked_choice(preset, data, settings or [])


def _tested_table(
    study: "Study",
    store: "Store | None",
    choice: "Choice",
    split: str | None = None,
    known: "ComparisonCache | None" = None,
) -> "StudyTable":
    from ageui.study import study_table, with_tests

    table = study_table(study, store, choice, split=split)
    return table if store is None else with_tests(table, store, known.averages if known is not None else {})


def _chosen_here(store: "Store", study: "Study", choice: "Choice", say: "Callable[[str], None]") -> "Choice":
    """Fills in preset and data, and prints a line on each."""
    from ageui.study.queueing import chosen_here

    found = chosen_here(store, study, choice)
    for name, origin in found.origins.items():
        say(f"{name} {getattr(found.choice, name)}: {origin}; choose with --{name}")
    return found.choice


def _continued(store: "Store", remaining: "RemainingRuns") -> list[int]:
    """Queues runs again that failed, were cancelled or interrupted; returns their ids."""
    for run in remaining.again:
        store.queue.retry(run.id)
    for run in remaining.stopped:
        store.queue.resume(run.id)
    return [run.id for run in (*remaining.again, *remaining.stopped)]


def _devices(store: "Store", run_ids: list[int]) -> list[str]:
    from ageui.cli.background import device_of

    return [device_of(row) for row in map(store.runs.get, run_ids) if row.status == "queued"]


def _waited(store: "Store", run_ids: list[int], say: "Callable[[str], None]") -> bool:
    try:
        return wait_until_ended(store, run_ids, say)
    except KeyboardInterrupt:
        say("the runs go on in the background: ageui queue shows them, ageui pause holds them, the same command waits")
        raise


def _curves(store: "Store | None", table: "StudyTable") -> dict[str, list[float]]:
    """The validation losses by epoch of each cell's first run that has some, by cell; only for studies of curves."""
    if store is None or table.study.measures != "curve":
        return {}
    found = {}
    for row in table.rows:
        curves = (store.runs.metric(run_id, "epoch/val_loss") for run_id in row.runs.values())
        found[row.cell.name] = [value for _, value in next(filter(None, curves), [])]
    return found


def _listed(table: "StudyTable") -> dict[str, object]:
    study = table.study
    cells = {"cells": len(study.runnable), "measured": table.measured_cells}
    return {"name": study.name, "title": study.title, "shows": study.shows, "measures": study.measures, **cells}


def _print_json(table: "StudyTable") -> None:
    from ageui.study.study_export import as_data
    from ageui.text.plain_json import plain_json

    print_json(plain_json(as_data(table)))


def _print_table(table: "StudyTable", curves: dict[str, list[float]]) -> None:
    from rich.text import Text

    from ageui.present.bars import sparkline
    from ageui.present.terminal import Blocks
    from ageui.present.wording import note_text
    from ageui.study.published_and_measured import published_and_measured
    from ageui.study.wording import headline, others_text
    from ageui.text.clean import clean

    console = results()
    study = table.study
    console.print(Text(clean(f"{study.name}: {study.title}"), style="bold"), soft_wrap=True)
    if study.shows:
        console.print(Text(clean(study.shows)), soft_wrap=True)
    console.print(Text(clean(headline(table))), soft_wrap=True)
    shown = published_and_measured(table)
    console.print(Blocks(shown))
    for cell in study.cells:
        if values := curves.get(cell.name):
            said = f"{cell.label}  {sparkline(values)} {values[0]:.4g} → {values[-1]:.4g}"
            console.print(Text(clean(said)), soft_wrap=True)
    for note in shown.legend:
        console.print(Text(note_text(note), style="dim"), soft_wrap=True)
    for line in others_text(table):
        console.print(Text(clean(f"also there: {line}; see --preset, --data and --set"), style="dim"), soft_wrap=True)
