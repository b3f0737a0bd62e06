"""Exports a comparison: asks for the format and the place, and writes a file or copies the text."""

import asyncio
from pathlib import Path

from ageui.compare import Comparison, render_text
from ageui.files.output_file import write_output_file
from ageui.text.sentences import counted
from ageui.tui.base_app import BaseApp
from ageui.tui.dialogs.prompts import Answer, ChoicePrompt, LinePrompt, confirmation
from engine.errors import ConfigError

FORMAT_NAMES = {"md": "Markdown", "csv": "CSV", "tex": "LaTeX", "html": "HTML"}


def export(comparison: Comparison, format: str, path: Path, *, replace: bool = False) -> Path:
    """Writes the comparison atomically and returns the absolute path.

    Raises `FileExistsError` if the file exists and `replace` is not set, and `ConfigError` if the path is not writable.
    """
    content = render_text(comparison, format).encode()
    target = path
    try:
        target = path.expanduser().absolute()
        is_file = target.is_file()
        if not is_file and target.exists():
            raise ConfigError(f"the export cannot be written: {target} is no file")
        if not is_file or replace:
            write_output_file(target, content)
            return target
    except (OSError, ValueError, RuntimeError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise ConfigError(f"the export cannot be written: {reason}: {target}") from error
    raise FileExistsError(target)


async def export_by_dialog(app: BaseApp, comparison: Comparison, remark: str) -> None:
    """Asks for format and place, and exports. `remark` ends the notice. Runs in a worker of a screen."""
    formats = [Answer(key, name, f".{key}") for key, name in FORMAT_NAMES.items()]
    format = await app.push_screen_wait(ChoicePrompt("Export as", formats))
    if format is None:
        return
    name = f"comparison.{format}"
    places = [
        Answer("here", name, f"in {Path.cwd()}"), Answer("file", "another file …"), Answer("copy", "the clipboard")
    ]  # fmt: skip
    place = await app.push_screen_wait(ChoicePrompt(f"{FORMAT_NAMES[format]} goes to", places))
    if place == "copy":
        app.copy_to_clipboard(render_text(comparison, format))
        app.tell(f"copied {counted(len(comparison.rows), 'row')} as {FORMAT_NAMES[format]}{remark}")
        return
    if place == "file":
        name = (await app.push_screen_wait(LinePrompt("Write to", name, "enter writes, esc leaves")) or "").strip()
    if place is None or not name:
        return
    try:
        await _write(app, comparison, format, Path(name), remark)
    except ConfigError as error:
        app.tell(str(error), severity="error")


async def _write(app: BaseApp, comparison: Comparison, format: str, path: Path, remark: str) -> None:
    try:
        written = await asyncio.to_thread(export, comparison, format, path)
    except FileExistsError:
        question = confirmation(f"{path} is there already. Replace it?", "Yes, replace it")
        if await app.push_screen_wait(question) is None:
            return
        written = await asyncio.to_thread(export, comparison, format, path, replace=True)
    app.tell(f"{counted(len(comparison.rows), 'row')} written to {written}{remark}")
