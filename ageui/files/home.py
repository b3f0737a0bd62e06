"""Paths that begin with `~`."""

from pathlib import Path

from engine.errors import ConfigError


def from_home(path: str | Path) -> Path:
    """The path with `~` or `~user` as a home folder. Raises `ConfigError` for an unknown user."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        user = Path(path).parts[0]
        raise ConfigError(f"{path}: no home folder {user} exists; write ./{user} if it is a file's name") from None
