"""Writing a comparison to a file; nothing that is there is replaced unasked."""

from pathlib import Path

from ageui.compare import Comparison, render_text
from engine.errors import ConfigError

FORMAT_NAMES = {"md": "Markdown", "csv": "CSV", "tex": "LaTeX", "html": "HTML"}


def export(comparison: Comparison, format: str, path: Path, *, replace: bool = False) -> Path:
    """Writes the comparison and returns the absolute path.

    Raises `FileExistsError` where there is a file and `replace` is not set, and `ConfigError` where nothing can be
    written.
    """
    target = path
    try:
        target = path.expanduser().absolute()
        with target.open("w" if replace else "x", encoding="utf-8", newline="") as file:
            file.write(render_text(comparison, format))
    except FileExistsError:
        if target.is_file():
            raise
        raise ConfigError(f"{target} cannot be written: it is there already, and no file") from None
    except (OSError, ValueError, RuntimeError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise ConfigError(f"{target} cannot be written: {reason}") from error
    return target
