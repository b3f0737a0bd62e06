"""The command line. Importing it imports no torch, pandas, pydantic or database: commands import what they need."""

import atexit
import gc
import sys
from typing import Annotated

import typer

from ageui import __version__
from ageui.cli.application import USUAL_COLLECTION, has_terminal, prepare_application
from ageui.cli.command_group import FURTHER, CommandGroup
from ageui.cli.compare import compare_runs
from ageui.cli.config import app as config_app
from ageui.cli.data import app as data_app
from ageui.cli.db import app as db_app
from ageui.cli.demo import demo
from ageui.cli.derive import calibrate_runs, ensemble_runs
from ageui.cli.doctor import doctor
from ageui.cli.explain import explain
from ageui.cli.export import export_run
from ageui.cli.folds import join_runs_on_folds
from ageui.cli.import_csv import import_tables
from ageui.cli.logs import show_logs
from ageui.cli.options import Database, Files, warn_of_variables
from ageui.cli.predict import predict_images
from ageui.cli.queue import (
    cancel_runs,
    move_runs,
    pause_runs,
    resume_runs,
    retry_runs,
    show_queue,
    wait_for_runs,
)
from ageui.cli.remove import delete_runs
from ageui.cli.report import write_report
from ageui.cli.run import run
from ageui.cli.run_list import list_runs
from ageui.cli.score import score_run
from ageui.cli.serve import serve
from ageui.cli.show import show_run
from ageui.cli.streams import exit_code, prepare_streams
from ageui.cli.study import app as study_app
from ageui.cli.sweep import sweep
from ageui.cli.worker import app as worker_app
from ageui.files.database_path import database_path
from ageui.text import message_lines
from ageui.text.clean import clean, error_text
from engine.errors import AgeUIError, ConfigError

app = CommandGroup(name="ageui")

_ALLOCATIONS_PER_COLLECTION = 50_000
"""For commands: rows of a listing contain no cycles, and searching thousands of them takes a quarter of the time."""


def _print_version(is_wanted: bool) -> None:
    if is_wanted:
        typer.echo(f"ageui {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def root(
    context: typer.Context,
    db: Database = None,
    files: Files = None,
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            "-V",
            callback=_print_version,
            is_eager=True,
            help="Print the version.",
            rich_help_panel=FURTHER,
        ),
    ] = False,
) -> None:
    """Run and compare experiments in age regression from face images with less bias. Without a command, open the
    application in this terminal.

        ageui run --loss mape --weights gender
    """
    warn_of_variables()
    if context.invoked_subcommand is not None:
        if files is not None:
            raise typer.BadParameter("place it after the command: ageui run --files DIR", param_hint="--files")
        return
    if not has_terminal():
        typer.echo(context.get_help())
        raise typer.Exit(2)
    from ageui.tui.launch import launch

    prepare_application()
    summary = launch(database_path(db), files)
    if summary:
        typer.echo(summary, err=True)


TRAIN, QUEUE, RESULTS, CARE = "Train", "Queue", "Results", "Data and setup"

app.command("run", rich_help_panel=TRAIN)(run)
app.command("sweep", rich_help_panel=TRAIN)(sweep)
app.add_typer(study_app, name="study", rich_help_panel=TRAIN)
app.command("queue", rich_help_panel=QUEUE)(show_queue)
app.command("cancel", rich_help_panel=QUEUE)(cancel_runs)
app.command("pause", rich_help_panel=QUEUE)(pause_runs)
app.command("resume", rich_help_panel=QUEUE)(resume_runs)
app.command("retry", rich_help_panel=QUEUE)(retry_runs)
app.command("move", rich_help_panel=QUEUE)(move_runs)
app.command("wait", rich_help_panel=QUEUE)(wait_for_runs)
app.add_typer(worker_app, name="worker", rich_help_panel=QUEUE)
app.command("ls", rich_help_panel=RESULTS)(list_runs)
app.command("show", rich_help_panel=RESULTS)(show_run)
app.command("compare", rich_help_panel=RESULTS)(compare_runs)
app.command("report", rich_help_panel=RESULTS)(write_report)
app.command("logs", rich_help_panel=RESULTS)(show_logs)
app.command("serve", rich_help_panel=RESULTS)(serve)
app.command("explain", rich_help_panel=RESULTS)(explain)
app.command("predict", rich_help_panel=RESULTS)(predict_images)
app.command("score", rich_help_panel=RESULTS)(score_run)
app.command("ensemble", rich_help_panel=RESULTS)(ensemble_runs)
app.command("calibrate", rich_help_panel=RESULTS)(calibrate_runs)
app.command("folds", rich_help_panel=RESULTS)(join_runs_on_folds)
app.command("export", rich_help_panel=RESULTS)(export_run)
app.command("import", rich_help_panel=RESULTS)(import_tables)
app.add_typer(data_app, name="data", rich_help_panel=CARE)
app.add_typer(db_app, name="db", rich_help_panel=CARE)
app.add_typer(config_app, name="config", rich_help_panel=CARE)
app.command("rm", rich_help_panel=CARE)(delete_runs)
app.command("demo", rich_help_panel=CARE)(demo)
app.command("doctor", rich_help_panel=CARE)(doctor)


def main() -> None:
    """Runs the `ageui` program and turns each `AgeUIError` into a message on stderr and its exit code."""
    prepare_streams()
    gc.set_threshold(_ALLOCATIONS_PER_COLLECTION)
    atexit.register(gc.freeze)  # else Python searches all objects for cycles once more at exit
    code = 0
    try:
        app(prog_name="ageui")
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except AgeUIError as error:
        text = error_text(error)
        message = message_lines.error_line(text) if message_lines.are_wanted() else f"ageui: {text}"
        sys.stderr.write(f"{message}\n")
        code = error.exit_code
    except UnicodeEncodeError as error:
        if not "\ud800" <= error.object[error.start] <= "\udfff":
            raise
        # Python decodes undecodable bytes in file names to lone surrogates.
        name, encoding = clean(error.object), sys.getfilesystemencoding()
        sys.stderr.write(f"ageui: {name} is not valid {encoding}; rename it or set LC_ALL=C.UTF-8\n")
        code = ConfigError.exit_code
    except KeyboardInterrupt:
        sys.stderr.write("ageui: interrupted\n")
        code = 130
    finally:
        gc.set_threshold(*USUAL_COLLECTION)
    sys.exit(exit_code(code))
