"""The commands of `ageui data` that the data screen runs as child processes."""

from dataclasses import dataclass
from pathlib import Path

from ageui.tui.child_command import CommandResult, Progress, run_command
from engine.data.report import DataReport
from engine.errors import DataError


@dataclass(frozen=True)
class Registration:
    """The report on a new data set; `refusal` is the reason if it was not registered."""

    report: DataReport
    refusal: str


async def count_rows(db: Path, name: str, target: str) -> DataReport:
    """Reads the rows of a data set, not its images. Raises `DataError` if they cannot be read."""
    return _report(await run_command(["data", "check", "--quick", "--target", target], [name], db))


async def read_images(db: Path, name: str, target: str, progress: Progress) -> DataReport:
    """Reads all rows and images of a data set. Raises `DataError` if they cannot be read."""
    return _report(await run_command(["data", "check", "--target", target], [name], db, progress=progress))


async def register(
    db: Path, name: str, path: Path, progress: Progress, *, skip_bad: bool, below: Path | None
) -> Registration:
    """Reads a new data set and registers it. Refuses unusable rows and images unless `skip_bad` is set.

    Raises `DataError` if it cannot be read or registered, or if an image is not in the folder `below`, if any.
    """
    options = [*(["--skip-bad"] if skip_bad else []), *(["--below", str(below)] if below is not None else [])]
    result = await run_command(["data", "add", *options], [name, str(path)], db, progress=progress)
    report = _report(result)
    if result.code and (skip_bad or not report.problems):
        raise DataError(result.error)
    return Registration(report, result.error if result.code else "")


async def draw_sheet(db: Path, name: str, target: str, split: str, group: tuple[str, str] | None) -> Path:
    """Draws a sheet of faces; returns its file. Raises `DataError` if that is impossible."""
    options = ["--group", "=".join(group)] if group is not None else []
    result = await run_command(["data", "sheet", "--split", split, *options, "--target", target], [name], db)
    if result.answer is None:
        raise DataError(result.error)
    return Path(result.answer["path"])


def _report(result: CommandResult) -> DataReport:
    """The report printed by a command, with or without problems. Raises `DataError` without a report."""
    if result.answer is None:
        raise DataError(result.error)
    return DataReport.from_json(result.answer)
