"""Writes a comparison to a file."""

from pathlib import Path

from ageui.compare import Comparison, render_text
from ageui.files.output_file import write_output_file
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
            raise ConfigError(f"{target} cannot be written: it is there already, and no file")
        if not is_file or replace:
            write_output_file(target, content)
            return target
    except (OSError, ValueError, RuntimeError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise ConfigError(f"{target} cannot be written: {reason}") from error
    raise FileExistsError(target)
