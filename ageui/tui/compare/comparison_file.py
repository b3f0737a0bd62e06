"""Exports a comparison: asks for the format and the place, and writes, copies or downloads it."""

import asyncio
import io
from collections.abc import Awaitable, Callable, Collection
from pathlib import Path
from tempfile import TemporaryDirectory

from ageui.compare import CONSTANT, Comparison, render_text
from ageui.compare.measures import PLOT_FORMATS, measure_title
from ageui.compare.methods import methods_text
from ageui.files.output_file import write_output_file
from ageui.store import RunDetail
from ageui.text.sentences import counted
from ageui.tui.base_app import BaseApp
from ageui.tui.child_command import run_command
from ageui.tui.dialogs.prompts import Answer, ChoicePrompt, LinePrompt, confirmation
from engine.errors import ConfigError

FORMAT_NAMES = {
    "md": "Markdown", "csv": "CSV", "tex": "LaTeX", "html": "HTML", "svg": "SVG", "pdf": "PDF", "txt": "methods",
}  # fmt: skip
_TABLE_FOR_A_PAPER, _PARAGRAPH = "a table for a paper", "a paragraph: data, seeds and tests"


def export(content: str | None, path: Path, *, replace: bool = False) -> Path:
    """Writes the content atomically and returns the absolute path; with None, only checks the path.

    Raises `FileExistsError` if the file exists and `replace` is not set, and `ConfigError` if the path is not writable.
    """
    target = path
    try:
        target = path.expanduser().absolute()
        is_file = target.is_file()
        if not is_file and target.exists():
            raise ConfigError(f"the export cannot be written: {target} is not a file")
        if not is_file or replace:
            if content is not None:
                write_output_file(target, content.encode())
            return target
    except (OSError, ValueError, RuntimeError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise ConfigError(f"the export cannot be written: {reason}: {target}") from error
    raise FileExistsError(target)


async def export_by_dialog(
    app: BaseApp, comparison: Comparison, runs: Collection[RunDetail], axes: tuple[str, str], remark: str
) -> None:
    """Asks for format and place, and exports. Runs in a worker of a screen.

    `axes` are the measures across and up in a plot; `remark` ends the notice.
    """
    across, up = (measure_title(comparison, name) for name in axes)
    hints = {"tex": _TABLE_FOR_A_PAPER, "txt": _PARAGRAPH, **dict.fromkeys(PLOT_FORMATS, f"the plot: {up} by {across}")}
    formats = [Answer(key, name, hints.get(key, f".{key}")) for key, name in FORMAT_NAMES.items()]
    format = await app.push_screen_wait(ChoicePrompt("Export as", formats))
    if format is None:
        return
    is_plot, said = format in PLOT_FORMATS, counted(len(comparison.rows), "row")
    name = f"methods.{format}" if format == "txt" else f"comparison.{format}"
    files = [Answer("here", name, f"in {Path.cwd()}"), Answer("file", "another file …")]
    places = [Answer("download", name, "in the browser's downloads")] if app.is_web else files
    places += [] if is_plot else [Answer("copy", "the clipboard")]
    place = await app.push_screen_wait(ChoicePrompt(f"Write {FORMAT_NAMES[format]} to", places))
    if place is None:
        return
    content = None
    if format == "txt":
        content, said = methods_text(comparison, list(runs)), "methods"
    elif not is_plot:
        content = render_text(comparison, format)
    if place == "copy" and content is not None:
        app.copy_to_clipboard(content)
        app.tell(f"copied {said}{'' if format == 'txt' else f' as {FORMAT_NAMES[format]}'}{remark}")
        return
    if place == "download":
        try:
            await _download(app, content, name, lambda target: _draw(app, comparison, axes, format, target))
        except ConfigError as error:
            app.tell(str(error), severity="error")
        return
    if place == "file":
        name = (await app.push_screen_wait(LinePrompt("Write to", name, "enter writes · esc cancels")) or "").strip()
    if not name:
        return
    try:
        target = await _written(app, content, Path(name))
        if target is not None and content is None:
            await _draw(app, comparison, axes, format, target)
    except ConfigError as error:
        app.tell(str(error), severity="error")
        return
    if target is not None:
        app.tell(f"{said} written to {target}{'' if is_plot else remark}")


async def _written(app: BaseApp, content: str | None, path: Path) -> Path | None:
    """The path that the content was or may be written to; None to keep an existing file."""
    try:
        return await asyncio.to_thread(export, content, path)
    except FileExistsError:
        question = confirmation(f"{path} already exists. Replace it?", "Yes, replace it")
        if await app.push_screen_wait(question) is None:
            return None
        return await asyncio.to_thread(export, content, path, replace=True)


async def _download(app: BaseApp, content: str | None, name: str, draw: Callable[[Path], Awaitable[None]]) -> None:
    """Sends the content to the browser; with None, that of a file that `draw` writes. Raises `ConfigError`."""
    if content is not None:
        app.deliver_text(io.StringIO(content), save_filename=name)
        return
    with TemporaryDirectory(prefix="ageui-") as folder:
        await draw(Path(folder, name))
        app.deliver_binary(io.BytesIO(Path(folder, name).read_bytes()), save_filename=name)


async def _draw(app: BaseApp, comparison: Comparison, axes: tuple[str, str], format: str, target: Path) -> None:
    """Draws the plot in a separate command, because this process does not load matplotlib."""
    options = ["--format", format, "--output", str(target), "--force", "--plot", ",".join(axes)]
    further = [name.rpartition("_")[2] for name in axes if name in comparison.further]
    options += ["--figures", ",".join(further)] if further else []
    options += ["--groups"] if any(name in comparison.groups for name in axes) else []
    options += ["--split", comparison.split] if comparison.split is not None else []
    options += ["--fold-seeds"] if comparison.folded else []
    if (base := next((row for row in comparison.rows if row.is_baseline), None)) is not None:
        options += ["--baseline", str(base.runs[0]) if base.runs else CONSTANT]
    ids = [str(run_id) for row in comparison.rows for run_id in row.runs]
    result = await run_command(["compare", *options], ids, app.store.path)
    if result.code:
        raise ConfigError(result.error)
