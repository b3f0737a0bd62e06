"""`ageui data sheet`: draws faces of a split or group as one picture."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ageui.cli import completion
from ageui.cli.data_options import DataName, TargetOption, registered, target_of
from ageui.cli.options import AsJson, Database, print_json
from ageui.cli.output import Force, refuse_target
from ageui.console.consoles import messages
from ageui.text.sentences import counted
from engine import choices
from engine.errors import ConfigError

if TYPE_CHECKING:
    from engine.data.contact_sheet import ContactSheet

_KEPT_SHEETS = 24


def sheet(
    name: DataName,
    split: Annotated[
        str | None,
        typer.Option(
            metavar="train|valid|test",
            help="Draw only faces of this split.",
            autocompletion=completion.words(*choices.SPLITS),
            show_default=False,
        ),
    ] = None,
    group: Annotated[
        str | None,
        typer.Option(
            metavar="ATTRIBUTE=GROUP",
            help="Draw only faces of this group, as in gender=female or 'age=>=60'.",
            show_default=False,
        ),
    ] = None,
    count: Annotated[int, typer.Option(min=1, max=400, metavar="N", help="Draw at most N faces, up to 400.")] = 48,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE.png",
            help="File to write (default: a file in a private cache folder).",
            show_default=False,
        ),
    ] = None,
    force: Force = False,
    view: Annotated[
        bool, typer.Option("--open", help="Open the picture with the system's viewer, or $AGEUI_VIEWER.")
    ] = False,
    target: TargetOption = "apparent",
    db: Database = None,
    as_json: AsJson = False,
) -> None:
    """Draw faces of a split or group as one picture, spread evenly over age.

    Age and attributes stand below each face. The same data gives the same faces. The picture shows people: protect it
    like the data set.

        ageui data sheet synthetic --split valid --group gender=female -o women.png
    """
    from ageui.files.viewer import open_in_viewer
    from ageui.text.clean import clean
    from engine.data.contact_sheet import draw_sheet
    from engine.data.sources import load_manifest
    from engine.paths import cache_folder

    spec = registered(name, db)
    members = _group(group)
    if output is not None and output.suffix.lower() != ".png":
        raise ConfigError(f"--output {output}: the picture is a PNG file; end the name in .png")
    refuse_target(output, force)
    manifest = load_manifest(spec, target_of(target), cache=cache_folder())
    drawn = draw_sheet(manifest, split=split, group=members, count=count)
    path = output or _cached(f"{spec.model_dump_json()} {target} {split} {group} {count}")
    _write(drawn, path)
    for problem in drawn.unreadable:
        messages().print(clean(f"cannot be read: {problem}"), soft_wrap=True)
    messages().print(f"{len(drawn.images)} of {counted(drawn.total, 'face')}", soft_wrap=True)
    if as_json:
        unreadable = [problem.where for problem in drawn.unreadable]
        answer = {"path": str(path), "images": drawn.images, "total": drawn.total, "unreadable": unreadable}
        print_json(answer)
    else:
        typer.echo(path)
    if view:
        messages().print(clean(open_in_viewer(path)), soft_wrap=True)


def _group(text: str | None) -> tuple[str, str] | None:
    if text is None:
        return None
    attribute, equals, name = text.partition("=")
    if not equals or not attribute or not name:
        raise ConfigError(f"--group {text}: write attribute=group, as in gender=female")
    return attribute, name


def _cached(what: str) -> Path:
    """The cache file of this sheet. Removes the oldest other sheets."""
    import hashlib

    from engine.cache import private_part
    from engine.paths import cache_folder

    folder = cache_folder() / "sheets"
    path = folder / f"{hashlib.sha256(what.encode('utf-8', 'surrogateescape')).hexdigest()[:16]}.png"
    try:
        private_part(folder.parent, folder.name)
        others = sorted(folder.glob("*.png"), key=lambda file: file.stat().st_mtime, reverse=True)
        for file in others[_KEPT_SHEETS - 1 :]:
            file.unlink(missing_ok=True)
    except OSError as error:
        raise ConfigError(f"the cache {folder} cannot be written: {error.strerror}; use -o FILE.png") from error
    return path


def _write(drawn: "ContactSheet", path: Path) -> None:
    """Writes the PNG, readable by its owner only."""
    import io

    from engine.files import write_atomically

    content = io.BytesIO()
    drawn.picture.save(content, "PNG", optimize=True)
    try:
        write_atomically(path, lambda stream: stream.write(content.getvalue()))
    except OSError as error:
        raise ConfigError(f"--output {path} cannot be written: {error.strerror}; choose another file") from error
