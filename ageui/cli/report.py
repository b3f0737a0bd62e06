"""`ageui report`: writes a report on runs to a file."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ageui.cli.completion import runs, words
from ageui.cli.options import Database, Split, open_store
from ageui.cli.output import Force, refuse_target, write_output

if TYPE_CHECKING:
    from ageui.report.document import Document

Output = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "--out",
        "-o",
        metavar="FILE",
        help="File to write (default: a file in this folder).",
        show_default=False,
    ),
]
Format = Annotated[
    str | None,
    typer.Option(
        "--format",
        metavar="html|md",
        help="Format (default: from the file's extension, else html).",
        autocompletion=words("html", "md"),
        show_default=False,
    ),
]

_FORMATS = {".html": "html", ".htm": "html", ".md": "md"}
_NAMED_ONE_BY_ONE = 4


@dataclass(frozen=True)
class ReportFile:
    """The file and format of a report; the plots of a Markdown report lie in `folder`."""

    path: Path
    format: str

    @property
    def folder(self) -> Path:
        return self.path.with_name(f"{self.path.stem}_files")


def write_report(
    references: Annotated[
        list[str],
        typer.Argument(metavar="RUN...", help="Ids, names, or terms that must all hold.", autocompletion=runs),
    ],
    output: Output = None,
    report_format: Format = None,
    split: Split = None,
    force: Force = False,
    db: Database = None,
) -> None:
    """Write a report on runs as HTML or Markdown.

    The report has scores, curves, errors by group and image, config, versions and a model card; several runs are
    compared first. An HTML report is one self-contained file. A Markdown report has its plots in the folder FILE_files
    beside it. Reports contain no images. They name images and their errors, so only you can read the files.

        ageui report first
        ageui report first second -o report.md
    """
    from ageui.report import report

    with open_store(db, read_only=True) as store:
        ids = store.runs.find_all(references)
        target = report_target(output, report_format, _stem(ids), force)
        document = report(store.runs.details(list(ids)), store.scores.predictions, split)
    write_document(document, target)


def report_target(output: Path | None, report_format: str | None, stem: str, force: bool) -> ReportFile:
    """The file `output`, or `stem` with the format's extension in the current folder.

    Raises `ConfigError` for an unknown format, a missing folder, and, unless `force`, an existing file.
    """
    from engine.errors import ConfigError

    ending = output.suffix.lower() if output is not None else ".html"
    if report_format is not None and report_format not in _FORMATS.values():
        raise ConfigError(f"--format {report_format}: choose html or md")
    if report_format is None and ending not in _FORMATS:
        raise ConfigError(f"--output {output}: end the name in .html or .md, or add --format html or --format md")
    chosen = report_format or _FORMATS[ending]
    target = ReportFile(output if output is not None else Path(f"{stem}.{chosen}"), chosen)
    refuse_target(target.path, force, streams=chosen == "html")
    if chosen == "md":
        refuse_target(target.folder, force)
    return target


def write_document(document: "Document", target: ReportFile) -> None:
    """Writes a report and prints its path to stdout."""
    from ageui.files.output_file import is_stream
    from ageui.report import as_html, as_markdown

    if target.format == "html":
        _write({target.path: as_html(document)})
    else:
        text, files = as_markdown(document, target.folder.name)
        if files:
            _make_private(target.folder)
        _write({**{target.folder / name: content for name, content in files.items()}, target.path: text})
        _remove_plots(target.folder, keep=files)
    typer.echo(str(target.path), err=is_stream(target.path))


def _stem(ids: list[int]) -> str:
    """A file name from ids, since run names may contain characters that paths must not."""
    if len(ids) <= _NAMED_ONE_BY_ONE:
        return f"{'run' if len(ids) == 1 else 'runs'}-{'-'.join(map(str, ids))}"
    return f"runs-{ids[0]}-and-{len(ids) - 1}-more"


def _make_private(folder: Path) -> None:
    """Makes the folder for a report's plots, or takes over an earlier one, readable by its owner only."""
    from engine.errors import DataError

    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        folder.chmod(0o700)
    except OSError as error:
        raise DataError(f"{folder} cannot be written: {error.strerror}") from error


def _write(texts: Mapping[Path, str]) -> None:
    """Writes files in order and each atomically, so that the plots exist before the text that shows them."""
    for path, text in texts.items():
        write_output(path, text.encode(), private=True)


def _remove_plots(folder: Path, keep: Collection[str]) -> None:
    """Removes the plots of a replaced report that the new report lacks."""
    from ageui.report import is_plot
    from engine.errors import DataError

    for path in folder.glob("*.svg"):
        if is_plot(path.name) and path.name not in keep:
            try:
                path.unlink()
            except OSError as error:
                raise DataError(
                    f"{path}, a plot of the replaced report, cannot be removed: {error.strerror}"
                ) from error
