"""`ageui study`: trains studies as grids of runs and shows published beside measured figures."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ageui.cli import completion
from ageui.cli.command_group import FURTHER, CommandGroup
from ageui.cli.config_flags import RUNS, DespiteFullDisk, DryRun, option
from ageui.cli.end_commands import OnEnd, OnQueueEnd, remember_commands
from ageui.cli.options import AsJson, CheckpointSeconds, Database, Files, Split, open_store, print_json
from ageui.cli.output import Force, chosen_format, print_or_write, refuse_target
from ageui.cli.report import Format, Output, report_target, write_document
from ageui.cli.waiting import wait_until_ended
from ageui.console.checked_queueing import check_runs, print_memory
from ageui.console.consoles import messages, print_prose, results, sayer
from ageui.files.database_path import database_path
from ageui.text.sentences import counted
from engine import choices

if TYPE_CHECKING:
    from collections.abc import Callable

    from ageui.compare import ComparisonCache
    from ageui.present.table import Table
    from ageui.store import Store
    from ageui.study import Choice, Study, StudyTable

app = CommandGroup(
    help="""Train the report's tables and compare them with the published figures.

        ageui study list
        ageui study run table8 --preset quick --seeds 3
        ageui study show table8
    """,
    no_args_is_help=True,
)

Name = Annotated[
    str,
    typer.Argument(
        metavar="NAME", help="Study from ageui study list, or a TOML file.", autocompletion=completion.studies
    ),
]
StudyPreset = Annotated[
    str | None,
    option(
        "Preset for all fields that the study does not compare; report: as published.",
        RUNS,
        "|".join(choices.PRESETS),
        complete=completion.words(*choices.PRESETS),
    ),
]
Data = Annotated[str | None, option("Registered data set, or synthetic.", RUNS, "NAME", complete=completion.data_sets)]
Assignments = Annotated[
    list[str] | None, option("Any field that the study does not compare.", RUNS, "FIELD=VALUE", "--set")
]


@app.command("list")
def list_studies(db: Database = None, as_json: AsJson = False) -> None:
    """List the studies with their question and their number of measured cells.

    ageui study list
    """
    from ageui.cli.tables import print_fitted
    from ageui.study import normalized_runs, studies, study_table
    from ageui.study.overview import ABOUT_FIGURES, overview

    with _reading(db) as store:
        runs = normalized_runs(store) if store is not None else []
        tables = [study_table(study, store, runs=runs) for study in studies()]
    if as_json:
        print_json([_listed(table) for table in tables])
        return
    about = f"{ABOUT_FIGURES}; for details: ageui study show NAME; to train: ageui study run NAME"
    print_fitted(results(), overview(tables), about)


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
    """Show a study's published and measured figures, their differences and the agreement of the rankings.

    Measured figures are mean ± std over seeds. If a study was run with several configurations, the command shows the
    most complete one; choose another with --preset, --data or --set.

        ageui study show table8
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
            "--format",
            metavar="md|csv|tex|html",
            help="Format (default: from the file's extension, else md).",
            autocompletion=completion.words("md", "csv", "tex", "html"),
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "--out", "-o", metavar="FILE", help="File to write (default: stdout).", show_default=False
        ),
    ] = None,
    preset: StudyPreset = None,
    data: Data = None,
    settings: Assignments = None,
    split: Split = None,
    force: Force = False,
    db: Database = None,
) -> None:
    """Export a study's table as Markdown, CSV, LaTeX or HTML.

    ageui study export table8 -o table8.csv
    """
    from ageui.study import load
    from ageui.study.study_export import FORMATS, export_text

    study = load(name)
    chosen = chosen_format(output_format, output, FORMATS, default="md")
    refuse_target(output, force, streams=True)
    with _reading(db) as store:
        table = _tested_table(study, store, _choice(preset, data, settings), split)
    print_or_write(export_text(table, chosen), output, counted(len(table.rows), "cell"))


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
    """Write a report of a study: published and measured figures, a comparison of its runs, and plots.

    ageui study report table8 -o table8.html
    """
    from ageui.compare import ComparisonCache
    from ageui.report import study_report
    from ageui.study import load

    study, known = load(name), ComparisonCache()
    target = report_target(output, report_format, f"study-{study.name}", force)
    with _reading(db) as store:
        table = _tested_table(study, store, _choice(preset, data, settings), split, known)
        ids = dict.fromkeys(run_id for row in table.rows for run_id in row.runs.values())
        runs = store.runs.details(list(ids)) if store else []
        predictions = store.scores.predictions if store else lambda run_id, split: None
        document = study_report(table, runs, predictions, known)
    write_document(document, target)


@app.command("run")
def run_study(
    name: Name,
    preset: StudyPreset = None,
    data: Data = None,
    seeds: Annotated[int, option("Train each cell with N seeds.", RUNS, "N")] = 1,
    settings: Assignments = None,
    priority: Annotated[int, option("Priority; workers take higher numbers first.", FURTHER, "N")] = 0,
    detach: Annotated[
        bool, option("Queue the missing runs without waiting for them.", RUNS, None, "--detach", "-d")
    ] = False,
    force: DespiteFullDisk = False,
    dry_run: DryRun = False,
    on_end: OnEnd = None,
    on_queue_end: OnQueueEnd = None,
    checkpoint_seconds: CheckpointSeconds = None,
    db: Database = None,
    files: Files = None,
    as_json: AsJson = False,
) -> None:
    """Train a study's missing runs in the background, wait for them, and show its table.

    A cell uses every run with its config and data that is done, running or queued, from any study. Failed, cancelled
    and interrupted runs continue from their checkpoints. You can stop the command at any time; repeat it to continue.
    The default preset is report with a CUDA device, else quick.

        ageui study run table8 --preset quick --seeds 3
        ageui study run table8 --preset quick --dry-run
    """
    from ageui.cli.sweep import print_plan
    from ageui.console.background import start_missing_workers
    from ageui.planning.disk_space import refuse_small_disk
    from ageui.planning.expected_time import time_sentence
    from ageui.study import describe, find_remaining, load
    from ageui.study.derived_cells import make_missing
    from ageui.study.queueing import remaining_text, tag

    console, study = messages(), load(name)
    say = sayer(console)
    with open_store(db, create=True, files=files) as store:
        choice = _chosen_here(store, study, _choice(preset, data, settings), say)
        remaining = find_remaining(study, store, choice, seeds)
        store.runs.refuse_invalid(remaining.new, priority=priority)
        to_train = remaining.to_train(store)
        networks = check_runs(console, to_train)
        print_memory(console, store, remaining.new, networks)
        if not force:
            refuse_small_disk(store, to_train, networks, override="--force")
        say(remaining_text(study, remaining))
        say(f"trained on {describe(study, remaining.variant)}")
        if remaining.new:
            say(time_sentence(store, remaining.new))
        if dry_run:
            print_plan(remaining.new, as_json=as_json)
            return
        again = [run.id for run in (*remaining.again, *remaining.stopped)]
        changed = store.queue.add(remaining.new, again, tags=[tag(study)], priority=priority)
        ids = changed.ids
        remember_commands(store, ids, on_end, on_queue_end)
        for problem in changed.problems:
            say(problem)
        left = [*(run.id for run in remaining.going), *ids]
        if left:
            devices = store.queue.devices(left)
            start_missing_workers(store, devices, checkpoint_seconds, console)
        if detach:
            if as_json:
                print_json([row.to_json() for row in store.runs.get_many(ids).values()])
            else:
                for run_id in ids:
                    typer.echo(run_id)
            return
        all_done = _waited(store, left, say)
        made, problems = make_missing(study, store, remaining.variant, [tag(study)])
        if made:
            say(f"{counted(len(made), 'run')} derived from these: {', '.join(map(str, made))}")
        for problem in problems:
            say(problem)
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
    """Add the report's figures to the database, as published runs named report/TABLE/CELL.

    Lists and comparisons show them beside measured runs. Repeating the command changes nothing.

        ageui study publish
    """
    from ageui.study import publish

    with open_store(db, create=True) as store:
        total, new = publish(store)
        messages().print(
            f"{store.path} has {counted(total, 'published run')}, {new} of them new; list them with: "
            "ageui ls source=report",
            soft_wrap=True,
        )


@contextmanager
def _reading(db: Path | None) -> "Iterator[Store | None]":
    """Opens the database; None if it does not exist yet, since published figures need none."""
    if not database_path(db).exists():
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
    """Fills in the default preset and data, and prints a line about each."""
    from ageui.study.queueing import chosen_here

    found = chosen_here(store, study, choice)
    for name, origin in found.origins.items():
        say(f"{name} {getattr(found.choice, name)}: {origin}; choose another with --{name}")
    return found.choice


def _waited(store: "Store", run_ids: list[int], say: "Callable[[str], None]") -> bool:
    try:
        return wait_until_ended(store, run_ids, say)
    except KeyboardInterrupt:
        say("the runs continue in the background; see ageui queue, or repeat this command to wait for them")
        raise


def _curves(store: "Store | None", table: "StudyTable") -> dict[str, list[float]]:
    """By cell, the validation losses per epoch of the first run with any; empty unless the study measures curves."""
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


def _effects(table: "StudyTable") -> "Table | None":
    """The main effects of a grid with measured cells; None otherwise."""
    from ageui.study.two_way import effects_table, grid_of

    grid = grid_of(table.study)
    return effects_table(table, grid) if grid is not None and table.measured_cells else None


def _print_json(table: "StudyTable") -> None:
    from ageui.study.study_export import as_data

    print_json(as_data(table))


def _print_table(table: "StudyTable", curves: dict[str, list[float]]) -> None:
    from rich.text import Text

    from ageui.present.bars import sparkline
    from ageui.present.figures import LOSS, number
    from ageui.present.terminal import Blocks
    from ageui.present.wording import note_text
    from ageui.study.published_and_measured import published_and_measured
    from ageui.study.wording import headline, others_text
    from ageui.text.clean import clean

    console = results()
    study = table.study
    console.print(Text(clean(f"{study.name}: {study.title}"), style="bold"), soft_wrap=True)
    if study.shows:
        print_prose(console, study.shows)
    print_prose(console, headline(table))
    shown = published_and_measured(table)
    console.print(Blocks(shown))
    effects = _effects(table)
    if effects is not None:
        console.print()
        console.print(Blocks(effects))
    for cell in study.cells:
        if values := curves.get(cell.name):
            said = f"{cell.label}  {sparkline(values)} {number(values[0], LOSS)} → {number(values[-1], LOSS)}"
            console.print(Text(clean(said)), soft_wrap=True)
    for note in (*shown.legend, *(effects.legend if effects is not None else ())):
        print_prose(console, note_text(note), "dim")
    for line in others_text(table):
        hint = f"also measured: {line}; choose it with --preset, --data and --set"
        print_prose(console, hint, "dim")
