"""The command line. Importing it imports no torch, pandas, pydantic or database: commands import what they need."""

import os
import sys

import typer

from ageui.cli.compare import compare_runs
from ageui.cli.config import app as config_app
from ageui.cli.data import app as data_app
from ageui.cli.doctor import doctor
from ageui.cli.export import export_run, predict_images
from ageui.cli.run import run
from ageui.cli.show import list_runs, show_run

app = typer.Typer(
    name="ageui",
    help="Run and compare experiments in age regression from face images with less bias.",
    no_args_is_help=False,
    pretty_exceptions_enable=False,
    add_completion=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def root(context: typer.Context) -> None:
    """Run and compare experiments in age regression from face images with less bias."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit(2)


app.command("run")(run)
app.command("ls")(list_runs)
app.command("show")(show_run)
app.command("compare")(compare_runs)
app.command("predict")(predict_images)
app.command("export")(export_run)
app.add_typer(data_app, name="data")
app.add_typer(config_app, name="config")
app.command("doctor")(doctor)


def main() -> None:
    """The `ageui` program: every error made for people ends here, as one message on stderr and its exit code."""
    from engine.errors import AgeUIError

    try:
        app()
    except AgeUIError as error:
        sys.stderr.write(f"ageui: {error}\n")
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.stderr.write("ageui: interrupted\n")
        sys.exit(130)
    except BrokenPipeError:
        # The reader of our output has gone (`ageui ls | head`); what is still buffered must not raise again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
