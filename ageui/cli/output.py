"""Output files of commands, which replace existing files only with --force."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from ageui.cli.streams import keep_exit_code, write_data
from ageui.console.consoles import messages

Force = Annotated[bool, typer.Option("--force", help="Replace existing files.")]


def refuse_target(path: Path | None, force: bool, *, streams: bool = False) -> None:
    """Raises `ConfigError` if the folder is missing or, unless `force`, the file exists.

    `streams` allows pipes and /dev/stdout.
    """
    from ageui.files.output_file import is_stream
    from engine.errors import ConfigError

    if path is None:
        return
    try:
        if streams and is_stream(path):
            return
        is_taken, has_folder = path.exists(), path.absolute().parent.is_dir()
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}") from error
    if is_taken and not force:
        raise ConfigError(f"{path} already exists; choose another name, or replace it with --force")
    if not has_folder:
        raise ConfigError(f"the folder {path.absolute().parent} does not exist; make it first")


def chosen_format(named: str | None, output: Path | None, formats: Sequence[str], *, default: str) -> str:
    """The named format, or the format of the file's extension, or the default.

    Raises `ConfigError` for a format or extension outside `formats`.
    """
    from ageui.files.output_file import is_stream
    from engine.errors import ConfigError

    if named is not None:
        if named not in formats:
            raise ConfigError(f"--format {named}: choose one of {', '.join(formats)}")
        return named
    if output is None or is_stream(output):
        return default
    ending = output.suffix.lower().removeprefix(".")
    if ending not in formats:
        endings = ", ".join(f".{name}" for name in formats)
        raise ConfigError(f"--output {output}: end the name in one of {endings}, or add --format")
    return ending


def print_or_write(content: str | bytes, path: Path | None, what: str) -> None:
    """Prints a text to stdout, or writes it to a file and prints `what` it contains.

    Raises `ConfigError` for bytes without a file, and `DataError` for a file that cannot be written.
    """
    from engine.errors import ConfigError

    if path is None:
        if isinstance(content, bytes):
            raise ConfigError("a plot needs a file; name it with --output")
        write_data(content)
        return
    write_output(path, content.encode() if isinstance(content, str) else content)
    messages().print(f"{what}: {path}", soft_wrap=True)


def write_output(path: Path, content: bytes, *, private: bool = False) -> None:
    """Writes a file atomically, readable by its owner only if `private`.

    After that, lost output does not change the exit code. Raises `DataError` if the file cannot be written.
    """
    from ageui.files.output_file import is_stream, write_output_file
    from engine.errors import DataError

    try:
        write_output_file(path, content, private=private)
    except OSError as error:
        raise DataError(f"{path} cannot be written: {error.strerror}") from error
    if not is_stream(path):
        keep_exit_code()
