"""`ageui import`: imports histories and figures from tables of other tools."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ageui.cli.options import AsJson, Database, open_store, print_json
from ageui.console.consoles import messages, sayer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ageui.exchange.tracker_csv import Reading, TrackedRun, TrackerTable

_SMALLEST_USUAL_MAE = 1.0
_MOST_USUAL_EPOCHS = 1000
_MOST_NAMED = 8
_LONGEST_FILE = 200


def import_tables(
    files: Annotated[list[Path], typer.Argument(metavar="FILE.csv...", help="Tables exported from other tools.")],
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="Name of the run in tables of one run.", show_default=False)
    ] = None,
    mapping: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="FIELD=COLUMN", help="Column of a field, as in mae=error.", show_default=False),
    ] = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="FIELD=VALUE", help="A known setting of the runs.", show_default=False),
    ] = None,
    steps_per_epoch: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Turn steps into epochs.", show_default=False)
    ] = None,
    age_scale: Annotated[
        float, typer.Option(min=1e-9, metavar="X", help="Years that 1 stands for in MAE and biases.")
    ] = 1.0,
    tag: Annotated[
        list[str] | None, typer.Option(metavar="TAG", help="Tag of the runs; repeatable.", show_default=False)
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace runs that were imported before.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the runs without importing them.")] = False,
    db: Database = None,
    as_json: AsJson = False,
) -> None:
    """Import histories and figures that other tools wrote as CSV.

    Reads tables of runs and charts of Weights & Biases and MLflow, curves of TensorBoard, and histories of Keras and
    Lightning. Tables of the same run are joined. Imported figures were not measured here: they have no intervals and
    take part in no test. Settings are unknown unless you --set them.

    Fields are train_loss, val_loss, val_mae and lr by epoch or step, and mae, gender_bias (expression, ethnicity, age)
    and val_loss by name. Other columns are ignored, and listed. Import runs of another database with ageui db import.

        ageui import history.csv --name old --set loss=mape
        ageui import wandb_export.csv --map mae=test_error --tag wandb
        ageui import run-a-tag-val_loss.csv --steps-per-epoch 127
    """
    from ageui.exchange.tracker_csv import Reading, counts_from_0, merged
    from ageui.planning.settings import parse_assignments
    from ageui.store.foreign_runs import ForeignRun
    from ageui.text.sentences import counted

    reading = Reading(name, _columns(mapping or []), steps_per_epoch, age_scale)
    settings = _settings(parse_assignments(assignments or []))
    tables = [(path, _table(path, reading)) for path in files]
    found = list(merged(tables))
    runs = [ForeignRun(run.name, _bias_names(run), run.history, _files(run, tables), settings) for run in found]
    ids: list[int] = []
    if not dry_run:
        with open_store(db, create=True) as store:
            ids = store.foreign.add(runs, tags=tag or [], replaces=replace)
    if as_json:
        print_json([_entry(run, ids[place] if ids else None) for place, run in enumerate(found)])
    say = sayer(messages())
    for path, table in tables:
        _say_table(path, table)
    done = "imported" if ids else "to import"
    say(f"{counted(len(found), 'run')} {done}: {_short([run.name for run in found])}")
    if counts_from_0(table for _, table in tables):
        say(f"epochs count from 0 in {'this table' if len(tables) == 1 else 'these tables'}, and from 1 here")
    _warn_of_steps(found, settings)
    _warn_of_fractions(found)


def _table(path: Path, reading: "Reading") -> "TrackerTable":
    from ageui.exchange.tracker_csv import read_tracker_table
    from engine.errors import ConfigError

    if path.suffix == ".db":
        raise ConfigError(f"{path} is a database; import its runs with: ageui db import {path}")
    return read_tracker_table(path, reading)


def _files(run: "TrackedRun", tables: "Sequence[tuple[Path, TrackerTable]]") -> str:
    """The files of a run, and what they are."""
    from engine.short_text import short_list

    origins = {path.name: table.form for path, table in tables if run.name in {one.name for one in table.runs}}
    return short_list((f"{file} ({form})" for file, form in origins.items()), _MOST_NAMED, _LONGEST_FILE)


def _columns(mapping: "Sequence[str]") -> dict[str, str]:
    from ageui.exchange.tracker_csv import FIELDS
    from engine.errors import ConfigError

    found = {}
    for text in mapping:
        name, equals, column = text.partition("=")
        if not equals or name not in FIELDS:
            raise ConfigError(f"--map {text}: write FIELD=COLUMN, with a field of {', '.join(FIELDS)}")
        found[name] = column
    return found


def _settings(values: dict[str, str]) -> dict[str, Any]:
    """The settings in the form in which configs are stored. Raises `ConfigError` for a wrong field or value."""
    from ageui.store.names import did_you_mean
    from engine.config import RunConfig, build_config
    from engine.errors import ConfigError

    unknown = [name for name in values if name not in RunConfig.model_fields]
    if unknown:
        advice = did_you_mean(unknown[0], list(RunConfig.model_fields))
        raise ConfigError(f"--set: unknown field {unknown[0]!r}{advice}; see ageui explain config")
    stored = build_config(values).model_dump(mode="json")
    return {name: stored[name] for name in values}


def _bias_names(run: "TrackedRun") -> dict[str, float]:
    return {name.removesuffix("_bias"): value for name, value in run.figures.items()}


def _say_table(path: Path, table: "TrackerTable") -> None:
    from ageui.text.sentences import counted

    say = sayer(messages())
    empty = f", {counted(table.empty, 'row')} without a figure skipped" if table.empty else ""
    ignored = f"; ignored: {_short(table.ignored)}" if table.ignored else ""
    epochs = f", {counted(table.epochs, 'epoch')}" if table.epochs else ""
    say(f"{path}: {table.form}, {counted(len(table.runs), 'run')}{epochs}{empty}{ignored}")


def _warn_of_steps(runs: "Sequence[TrackedRun]", settings: dict[str, Any]) -> None:
    most = sum(settings["epochs"]) if "epochs" in settings else _MOST_USUAL_EPOCHS
    long = [run.name for run in runs if any(max(points) > most for points in run.history.values())]
    if long:
        sayer(messages())(
            f"warning: more than {most:,} epochs in {_short(long)}; if these are steps, import again with "
            "--steps-per-epoch N --replace"
        )


def _warn_of_fractions(runs: "Sequence[TrackedRun]") -> None:
    small = [run.name for run in runs if run.figures.get("mae", _SMALLEST_USUAL_MAE) < _SMALLEST_USUAL_MAE]
    small += [run.name for run in runs if any(0 < mae < 1 for mae in run.history.get("val_mae", {}).values())]
    if small:
        sayer(messages())(
            f"warning: MAE below one year in {_short(dict.fromkeys(small))}; if ages were divided by 100, import again "
            "with --age-scale 100 --replace"
        )


def _entry(run: "TrackedRun", run_id: int | None) -> dict[str, Any]:
    return {"id": run_id, "name": run.name, "figures": run.figures, "history": run.history}


def _short(names: Any) -> str:
    from engine.short_text import short_list

    return short_list(names, _MOST_NAMED)
