"""`ageui db`: checks, copies and cleans the database and its files."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ageui.cli.command_group import CommandGroup
from ageui.cli.import_runs import import_runs
from ageui.cli.options import AsJson, Database, open_store, print_json
from ageui.cli.streams import keep_exit_code
from ageui.console.consoles import messages, results, sayer
from ageui.text.sentences import counted

if TYPE_CHECKING:
    from ageui.store import Store

app = CommandGroup(
    help="""Check, back up, merge and clean databases.

        ageui db check
        ageui db backup /media/backup/runs.db
        ageui db import server.db
    """,
    no_args_is_help=True,
)
app.command("import")(import_runs)


def run_count(store: "Store") -> str:
    """`244 runs`, or `244 runs, 3 archived`."""
    archived = store.runs.count("archived=true")
    runs = counted(store.runs.count() + archived, "run")
    return f"{runs}, {archived:,} archived" if archived else runs


@app.command("check")
def check(
    files: Annotated[bool, typer.Option("--files", help="Also verify the SHA-256 of every checkpoint.")] = False,
    db: Database = None,
    as_json: AsJson = False,
) -> None:
    """Check the database, its rows and its files for damage.

    ageui db check
    ageui db check --files
    """
    from ageui.text.clean import clean
    from engine.errors import DataError
    from engine.files import read_verified

    with open_store(db, read_only=True) as store:
        problems = store.problems()
        for checkpoint, _, run_id in store.runs.checkpoints():
            path = store.checkpoint_file(checkpoint)
            if not path.exists():
                problems.append(f"run {run_id}: {path} is missing")
            elif path.stat().st_size != checkpoint.bytes:
                problems.append(f"run {run_id}: {path} has {path.stat().st_size} bytes instead of {checkpoint.bytes}")
            elif files:
                try:
                    read_verified(path, checkpoint.sha256)
                except DataError as error:
                    problems.append(f"run {run_id}: {error}")
        checked = f"{store.path}: schema {store.schema_version()}, {run_count(store)}"
    if as_json:
        print_json({"problems": problems})
    else:
        console = results()
        for problem in problems:
            console.print(clean(problem), soft_wrap=True)
        console.print(f"{checked}, {counted(len(problems), 'problem') if problems else 'no problem'}", soft_wrap=True)
    if problems:
        raise typer.Exit(5)


@app.command("backup")
def backup(
    target: Annotated[Path, typer.Argument(metavar="FILE", help="File to write.")],
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
    db: Database = None,
) -> None:
    """Copy the database, even while runs train.

    Weights and logs are separate files: also copy the folder beside the database.

        ageui db backup /media/backup/runs.db
    """
    from ageui.cli.output import refuse_target
    from engine.errors import StoreError

    refuse_target(target, force)
    with open_store(db, read_only=True) as store:
        try:
            store.copy_to(target.absolute())
        except OSError as error:
            raise StoreError(f"{target} cannot be written: {error.strerror}") from error
        messages().print(f"copied {store.path} to {target}: {target.stat().st_size / 1e6:.1f} MB", soft_wrap=True)


@app.command("files")
def files_folder(
    folder: Annotated[Path | None, typer.Argument(metavar="DIR", help="New folder.", show_default=False)] = None,
    db: Database = None,
) -> None:
    """Show the folder of weights and logs, or move it, for example to a larger disk or to shared storage.

    The database stays where it is, and remembers the folder. Close the application and stop the workers first. If a
    move is interrupted, nothing is lost: run the command again. After you moved the folder yourself, name its new
    place.

        ageui db files
        ageui db files /big/disk/runs
    """
    from rich.progress import Progress

    from ageui.files.database_path import database_path, real_path
    from ageui.files.home import from_home
    from ageui.store.example import opened_path
    from ageui.store.folder_move import move_folder, unfinished_move
    from ageui.text.clean import clean

    say = sayer(messages())
    if folder is None:
        with open_store(db, read_only=True) as store:
            results().print(clean(str(store.folder)), soft_wrap=True)
            if (old := unfinished_move(store.folder)) is not None:
                say(f"files are left in {old}; remove them with: ageui db files {store.folder}")
        return
    keep_exit_code()
    path = opened_path(real_path(database_path(db)), to_change=True)
    console = messages()
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("moving", total=None)
        kept = move_folder(
            path, from_home(folder), lambda done, total: progress.update(task, completed=done, total=total)
        )
    say(f"the files of {path} are in {folder}")
    if kept:
        old = unfinished_move(from_home(folder))
        say(f"{counted(kept, 'file')} stay in {old}, because other databases beside {path.name} need them")


@app.command("vacuum")
def vacuum(db: Database = None) -> None:
    """Shrink the database file by rewriting it without unused space.

    ageui db vacuum
    """
    with open_store(db) as store:
        before, after = store.vacuum()
        messages().print(f"{store.path}: {before / 1e6:.1f} MB before, {after / 1e6:.1f} MB now", soft_wrap=True)


@app.command("rescore")
def rescore_results(db: Database = None) -> None:
    """Compute the intervals and tests that results of an earlier version lack.

    Other commands do this in the background.

        ageui db rescore
    """
    from rich.progress import Progress

    from ageui.worker.rescorer import rescore

    with open_store(db, rescores=False) as store, Progress(console=messages(), transient=True) as progress:
        found = 0
        for left in rescore(store):
            found = found or left
            if found:
                task = progress.task_ids[0] if progress.task_ids else progress.add_task("scoring again", total=found)
                progress.update(task, completed=found - left)
        left = store.rescoring.remaining()
    if left:
        messages().print(f"another process is scoring {counted(left, 'result')} again")
    else:
        messages().print(
            f"scored {counted(found, 'result')} again" if found else "all results have their intervals and tests"
        )


@app.command("prune")
def prune_files(
    yes: Annotated[bool, typer.Option("--yes", help="Delete the files.")] = False,
    db: Database = None,
    as_json: AsJson = False,
) -> None:
    """List or delete unneeded files: checkpoints of ended runs and files without a run.

    Kept weights are never deleted.

    ageui db prune
    ageui db prune --yes
    """
    from ageui.text.clean import clean
    from ageui.worker.pruning import find_prunable, prune

    with open_store(db) as store:
        found, freed = prune(store) if yes else (find_prunable(store), 0)
    if as_json:
        listed = [{"path": str(file.path), "bytes": file.bytes, "why": file.why} for file in found]
        print_json({"files": listed, "bytes": sum(file.bytes for file in found), "freed": freed})
        return
    console = results()
    for file in found:
        console.print(f"{file.bytes / 1e6:8.1f} MB  {clean(str(file.path))}: {file.why}", soft_wrap=True)
    total = sum(file.bytes for file in found)
    if not found:
        console.print("no unneeded files")
    elif yes:
        console.print(f"{freed / 1e6:.1f} MB freed")
    else:
        console.print(f"{total / 1e6:.1f} MB can be freed; delete the files with: ageui db prune --yes")
