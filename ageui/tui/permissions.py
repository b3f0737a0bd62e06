"""What people may do in the application: everything in a terminal, less in a browser."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from engine.choices import INITS
from engine.errors import ConfigError, Problem

READ_ONLY = "this session is read-only; ageui serve --allow-changes allows changes"
_IN_A_TERMINAL = "do this in a terminal"


@dataclass(frozen=True)
class Permissions:
    """`changes` allows changes to runs, data sets and files. `folder` is the only folder in which people may name
    files, and never weights files; None allows all files."""

    changes: bool = True
    folder: Path | None = None

    def refuse_path(self, path: Path) -> None:
        """Raises `ConfigError` for a path that leads out of the folder, or for a folder with a link that does."""
        if self.folder is None:
            return
        try:
            start = self.folder.resolve()
            outside = next((one for one in _with_links(path) if not one.resolve().is_relative_to(start)), None)
        except (OSError, RuntimeError, ValueError) as error:
            raise ConfigError(f"{path} is not a path: {error}") from error
        if outside is not None:
            raise ConfigError(f"{outside} is outside {self.folder}, the start folder of ageui serve; {_IN_A_TERMINAL}")

    def refuse_weights(self, init: str) -> None:
        """Raises `ConfigError` for a weights file, without looking for it."""
        if self.folder is not None and init not in ("auto", *INITS):
            text = f"init {init}: a browser cannot name weights files; {_IN_A_TERMINAL}"
            raise ConfigError(problems=[Problem("init", text)])


def _with_links(path: Path) -> Iterator[Path]:
    """The path, then the links in it if it is a folder: label files are read before any image."""
    yield path
    if path.is_dir():
        with os.scandir(path) as entries:
            yield from (Path(entry.path) for entry in entries if entry.is_symlink())


EVERYTHING = Permissions()
