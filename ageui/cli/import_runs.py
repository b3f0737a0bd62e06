"""`ageui db import`: imports the runs of another database."""

from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from ageui.cli.options import AsJson, Database, open_store, print_json
from ageui.console.consoles import messages, sayer
from ageui.files.database_path import database_path, real_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ageui.store import Store
    from ageui.store.imports import ImportPlan
    from ageui.worker.run_import import ImportReport

_MOST_NAMED = 5


def import_runs(
    other: Annotated[
        Path, typer.Argument(metavar="OTHER.db", help="Database to import from, with its files beside it.")
    ],
    where: Annotated[
        str | None,
        typer.Option(metavar="FILTER", help="Import only runs that match, as in tag=night.", show_default=False),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the runs without importing them.")] = False,
    db: Database = None,
    as_json: AsJson = False,
) -> None:
    """Import runs of another database with their scores, predictions, curves, weights and logs.

    The other database stays unchanged. The import skips queued and running runs, and runs that this database already
    has. Runs that continued in the other database replace their copies here. Imported runs get new ids; if a name is
    taken, it gets a number.

        ageui db import /mnt/server/runs.db
        ageui db import server.db --where tag=night --dry-run
    """
    from ageui.console.progress import count_progress
    from ageui.store.import_source import open_source
    from ageui.worker.run_import import import_runs, plan_import
    from engine.errors import ConfigError

    if not other.exists():
        raise ConfigError(f"{other} does not exist; give the path of the other database")
    if other.is_dir():
        raise ConfigError(f"{other} is a folder; give the path of the database in it, such as {other / 'runs.db'}")
    with open_source(real_path(other)) as opened, _target(db, dry_run) as store:
        if opened.path.samefile(store.path):
            raise ConfigError(f"{other} is the database that you import into; give the path of another database")
        plan = plan_import(store, opened, where)
        report = None
        if plan.runs and not dry_run:
            with count_progress(messages()) as progress:
                total = len(plan.runs)
                report = import_runs(store, opened, plan, lambda done: progress("copying files of runs", done, total))
    if as_json:
        print_json(_as_json(plan, report))
    _say(plan, report)


@contextmanager
def _target(db: Path | None, dry_run: bool) -> "Iterator[Store]":
    """Opens the database to import into. A dry run replaces a missing database by an empty temporary one."""
    from ageui.store import Store

    if dry_run and not real_path(database_path(db)).exists():
        with TemporaryDirectory(prefix="ageui-") as folder, Store.open(Path(folder) / "runs.db") as store:
            yield store
    else:
        with open_store(db, create=not dry_run, read_only=dry_run) as store:
            yield store


def _say(plan: "ImportPlan", report: "ImportReport | None") -> None:
    """Prints the imported runs, or the planned ones without a report, and the skipped runs to stderr."""
    from ageui.text.sentences import counted

    say = sayer(messages())
    new = [run.name for run in plan.runs if run.replaces is None]
    replaced = [f"{run.replaces} {run.name}" for run in plan.runs if run.replaces is not None]
    say(f"{counted(len(new), 'run')} {'imported' if report or not new else 'to import'}{_named(new)}")
    if replaced:
        verb = "replaced by newer copies" if report else "to replace by newer copies"
        say(f"{counted(len(replaced), 'run')} {verb}{_named(replaced)}")
    if plan.stored:
        say(f"{counted(len(plan.stored), 'run')} skipped: already in this database")
    if plan.unfinished:
        say(f"{counted(len(plan.unfinished), 'run')} skipped: still queued or running{_named(plan.unfinished)}")
    for sentence in plan.conflicts:
        say(f"ageui: {sentence}")
    if report is not None:
        _say_outcome(report)


def _say_outcome(report: "ImportReport") -> None:
    say = sayer(messages())
    for run_id, name in report.outcome.names.items():
        if name != report.runs[run_id].name and report.runs[run_id].replaces is None:
            say(f"renamed {report.runs[run_id].name} to {name}, because another run has its name")
    for spec in report.outcome.data_sets:
        is_missing = spec.path is not None and not Path(spec.path).exists()
        hint = f"; {spec.path} is missing here; add it with: ageui data add {spec.name} PATH --replace"
        say(f"registered data set {spec.name}{hint if is_missing else ''}")
    for data in report.outcome.other_data_sets:
        say(f"{data} is a different data set here; the imported runs keep the description of their own data set")
    for sentence in report.missing:
        say(f"ageui: {sentence}")


def _named(names: "Sequence[str]") -> str:
    from engine.short_text import short_list

    return f": {short_list(names, _MOST_NAMED)}" if names else ""


def _as_json(plan: "ImportPlan", report: "ImportReport | None") -> dict[str, object]:
    runs = (
        [
            {"id": run_id, "name": report.outcome.names[run_id], "was": {"id": run.id, "name": run.name}}
            for run_id, run in report.runs.items()
        ]
        if report
        else []
    )
    return {
        "runs": runs,
        "planned": len(plan.runs),
        "stored": list(plan.stored),
        "unfinished": list(plan.unfinished),
        "conflicts": list(plan.conflicts),
        "missing": list(report.missing) if report else [],
    }
