"""`ageui report`: runs as one file to read and to hand on."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ageui.cli.export import refuse_target
from ageui.cli.options import Database, Split, open_store

if TYPE_CHECKING:
    from engine.files import HashingWriter

_FORMATS = {".html": "html", ".htm": "html", ".md": "md"}
_NAMED_ONE_BY_ONE = 4


def write_report(
    references: Annotated[
        list[str], typer.Argument(metavar="RUN...", help="Ids, names, or filters that fit several runs.")
    ],
    output: Annotated[
        Path | None,
        typer.Option("--output", "--out", "-o", metavar="FILE", help="Else run-ID.html here.", show_default=False),
    ] = None,
    report_format: Annotated[
        str | None,
        typer.Option("--format", metavar="html|md", help="Else what FILE ends in, else html.", show_default=False),
    ] = None,
    split: Split = None,
    force: Annotated[bool, typer.Option("--force", help="Replace files that exist.")] = False,
    db: Database = None,
) -> None:
    """Write a report of runs: scores, curves, errors by group and image, config, versions and a model card.

    HTML is one file that loads nothing from elsewhere. Markdown has its plots in a folder beside it, FILE_files.
    Several runs are compared first. No image of a face is in it.
    """
    from ageui.report import as_html, as_markdown, report

    chosen = _format(output, report_format)
    with open_store(db, read_only=True) as store:
        # Where a reference finds none, `one` says so.
        found = [run_id for reference in references for run_id in store.find(reference) or [store.one(reference)]]
        ids = list(dict.fromkeys(found))
        path = output if output is not None else Path(f"{_stem(ids)}.{chosen}")
        folder = path.with_name(f"{path.stem}_files")
        for target in (path, folder) if chosen == "md" else (path,):
            refuse_target(target, force)
        document = report([store.detail(run_id) for run_id in ids], store.split_predictions, split)
    if chosen == "html":
        _write({path: as_html(document)})
    else:
        text, files = as_markdown(document, folder.name)
        _write({**{folder / name: content for name, content in files.items()}, path: text})
    typer.echo(str(path))


def _format(output: Path | None, given: str | None) -> str:
    from engine.errors import ConfigError

    ending = output.suffix.lower() if output is not None else ".html"
    if given is not None and given not in _FORMATS.values():
        raise ConfigError(f"--format {given}: choose html or md")
    if given is None and ending not in _FORMATS:
        raise ConfigError(f"--output {output}: end the name in .html or .md, or say --format html or md")
    return given or _FORMATS[ending]


def _stem(ids: list[int]) -> str:
    """A file's name from ids alone, since names of runs may hold what a path must not."""
    if len(ids) <= _NAMED_ONE_BY_ONE:
        return f"{'run' if len(ids) == 1 else 'runs'}-{'-'.join(map(str, ids))}"
    return f"runs-{ids[0]}-and-{len(ids) - 1}-more"


def _write(texts: Mapping[Path, str]) -> None:
    """Writes files in their order, each whole or not at all: the text comes after the plots that it shows."""
    from engine.errors import DataError
    from engine.files import write_atomically

    for path, text in texts.items():
        try:
            path.parent.mkdir(exist_ok=True)
            write_atomically(path.absolute(), partial(_write_text, text))
        except OSError as error:
            raise DataError(f"{path} cannot be written: {error.strerror}") from error


def _write_text(text: str, stream: "HashingWriter") -> int:
    return stream.write(text.encode())
