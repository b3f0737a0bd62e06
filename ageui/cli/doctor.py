"""`ageui doctor`: checks versions, device, database, data and cache."""

from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from ageui.cli.cluster import DataRoot, Sbatch
from ageui.cli.doctor_cluster import Finding, check_cluster
from ageui.cli.options import AsJson, Database, open_store, print_json
from ageui.console.consoles import results
from ageui.files.database_path import database_path


def doctor(
    on: Annotated[
        str | None,
        typer.Option(
            metavar="slurm[:PARTITION]", help="Also check a Slurm cluster by a short job.", show_default=False
        ),
    ] = None,
    sbatch: Sbatch = None,
    data_root: DataRoot = None,
    db: Database = None,
    as_json: AsJson = False,
) -> None:
    """Check the installation, the device, the database and the data sets.

    ageui doctor
    ageui doctor --on slurm
    """
    from rich.text import Text

    from engine.errors import AgeUIError, ConfigError

    if on is None and (sbatch or data_root is not None):
        raise ConfigError("--sbatch and --data-root need a cluster: add --on slurm, or leave them out")
    findings: list[Finding] = []
    database = database_path(db)
    checks: list[Callable[[], Iterator[Finding]]] = [
        _versions,
        _environment,
        _device,
        _cache,
        _locks,
        lambda: _database(database),
        *([lambda: check_cluster(on, sbatch or (), database, data_root)] if on is not None else []),
    ]
    for check in checks:
        try:
            findings += check()
        except AgeUIError as error:
            findings.append(Finding("problem", False, str(error)))
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        console = results()
        for finding in findings:
            mark = "ok     " if finding.well else "PROBLEM"
            console.print(Text(f"{mark}  {finding.topic:9} {finding.text}"), soft_wrap=True)
    if not all(finding.well for finding in findings):
        raise typer.Exit(1)


def _versions() -> Iterator[Finding]:
    from engine.run_manifest import versions

    yield Finding("versions", True, ", ".join(f"{name} {version}" for name, version in versions().items()))


def _environment() -> Iterator[Finding]:
    from ageui.planning.environment import found_variables

    for variable in found_variables():
        text = f"{variable.name}={variable.value}: {variable.problem or variable.meaning}"
        yield Finding("variable", not variable.problem, text)


def _device() -> Iterator[Finding]:
    from engine.arithmetic import cpu_name
    from engine.config import RunConfig
    from engine.device import place

    placement = place(RunConfig())
    yield Finding("device", True, f"{placement.device_name}: {placement.reason}")
    if placement.device.type == "cuda":
        yield Finding("cpu", True, cpu_name())


def _cache() -> Iterator[Finding]:
    import shutil

    from engine.cache import private_part
    from engine.errors import DataError
    from engine.paths import cache_folder

    folder = cache_folder()
    try:
        private_part(folder, "content")
    except DataError as error:
        yield Finding("cache", False, str(error))
        return
    except OSError as error:
        yield Finding("cache", False, f"{folder}: {error.strerror}; set AGEUI_CACHE to a writable folder")
        return
    free = shutil.disk_usage(folder).free
    used = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    yield Finding("cache", free > 2e9, f"{folder}: {used / 1e9:.2f} GB used, {free / 1e9:.1f} GB free on its disk")


def _locks() -> Iterator[Finding]:
    from ageui.devices import locks_folder, refuse_unwritable_locks
    from engine.errors import ConfigError

    try:
        refuse_unwritable_locks()
        yield Finding("locks", True, str(locks_folder()))
    except ConfigError as error:
        yield Finding("locks", False, str(error))


def _database(path: Path) -> Iterator[Finding]:
    from ageui.cli.db import run_count
    from ageui.store.sqlite import driver, is_safe
    from ageui.worker.background_workers import workers

    found = driver()
    version, safe = found.sqlite_version, is_safe(found.sqlite_version_info)
    advice = "" if safe else "; it may lose commits if two processes write at once; run: pip install pysqlite3"
    yield Finding("sqlite", safe, f"{version} ({found.__name__.partition('.')[0]}){advice}")
    if not path.exists():
        yield Finding("database", True, f"{path.absolute()} does not exist yet; the first run creates it")
        return
    with open_store(path, read_only=True) as store:
        text = f"{path.absolute()}: schema {store.schema_version()}, {run_count(store)}, files in {store.folder}"
        yield Finding("database", True, text)
        for state in workers(store):
            doing = "running" if state.is_alive else f"stopped: {state.row.reason or 'no reason recorded'}"
            yield Finding("worker", True, f"{state.row.device}: {doing}")
        for data_set in store.data.all():
            there = data_set.path is None or Path(data_set.path).exists()
            text = f"{data_set.name}: {data_set.format}, {data_set.path or 'built in'}"
            yield Finding(
                "data", there, text if there else f"{text} is missing; mount it, or add it again with --replace"
            )
