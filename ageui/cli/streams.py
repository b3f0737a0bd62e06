"""The standard streams of a command: their failures do not stop it, and their text fits every terminal.

A stream drops text that it cannot write, and the command continues, so that a run survives the loss of its terminal.
At the end, `exit_code` decides whether lost output is an error.
"""

import codecs
import errno
import io
import os
import select
import sys
from typing import TYPE_CHECKING, Final, TextIO

from engine.errors import DataError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_PLAIN: Final = "ageui-plain"
"""The error handler that spells out characters missing from an encoding."""

_SPELLED: Final = {
    "±": "+-", "→": "->", "…": "...", "ρ": "rho", "\ufffd": "?",
    **dict(zip("★✔≈≠◆◇∅·▶⏸✓↯✗⊘‖−–—×", "*!=#@^o.>=+!xo|---x", strict=True)),
    **dict(zip("▁▂▃▄▅▆▇█▏▎▍▌▋▊▉▓░", "_.,-=+*#..::||##.", strict=True)),
}  # fmt: skip
"""Marks, symbols and bars in ASCII. Characters for the same place have different spellings."""


class _Stream(io.FileIO):
    """A standard stream that drops text it cannot write, and keeps the first error.

    If `is_display`, its text only shows work that is already stored.
    """

    error: OSError | None = None
    is_display = False

    def write(self, content: "ReadableBuffer", /) -> int:
        size = memoryview(content).nbytes
        try:
            while (written := super().write(content)) is None:  # a non-blocking pipe is full
                select.select([], [self], [])
        except OSError as error:
            self.error = self.error or error
            return size
        return written


def prepare_streams() -> None:
    """Replaces stdout and stderr by streams that never fail, and closed streams by the null device.

    Otherwise the next opened file would get the number of a closed stream, and messages would be written into it.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    if sys.stdout is sys.__stdout__:
        sys.stdout = text_stream(1, sys.stdout.encoding if sys.stdout else "utf-8")
    if sys.stderr is sys.__stderr__:
        sys.stderr = text_stream(2, sys.stderr.encoding if sys.stderr else "utf-8")


def text_stream(number: int, encoding: str) -> TextIO:
    """A stream to a file descriptor that never fails and spells out characters missing from its encoding."""
    codecs.register_error(_PLAIN, _spell)
    raw = _Stream(number, "wb", closefd=False)
    is_by_line = number == 2 or raw.isatty()
    return io.TextIOWrapper(io.BufferedWriter(raw), encoding, errors=_PLAIN, line_buffering=is_by_line)


def write_data(text: str) -> None:
    """Writes a file format, such as JSON, to stdout: in UTF-8, unless stdout is a terminal."""
    if sys.stdout.isatty():
        sys.stdout.write(text)
        return
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode("utf-8", "surrogateescape"))


def is_utf8(stream: TextIO | None) -> bool:
    """Whether a stream's encoding is UTF-8."""
    return stream is not None and codecs.lookup(stream.encoding).name == "utf-8"


def keep_exit_code() -> None:
    """Makes the exit code independent of lost output from now on, since the command stores its work."""
    if (stream := _stdout()) is not None:
        stream.is_display = True


def lost_output() -> OSError | None:
    """The error that lost output; None if no output was lost."""
    sys.stdout.flush()
    stream = _stdout()
    return stream.error if stream is not None else None


def exit_code(code: int) -> int:
    """The exit code of a command whose work ended with `code`, including lost output, which is reported on stderr.

    A reader that stops early, as in `ageui ls | head`, is not an error.
    """
    error, stream = lost_output(), _stdout()
    if error is None or stream is None or error.errno == errno.EPIPE:
        return code
    sys.stderr.write(f"ageui: the output cannot be written: {error.strerror}\n")
    return code if code != 0 or stream.is_display else DataError.exit_code


def _stdout() -> _Stream | None:
    raw = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    return raw if isinstance(raw, _Stream) else None


def _spell(error: UnicodeError) -> tuple[str | bytes, int]:
    """Spells out one character missing from an encoding. Undecodable bytes of file names stay unchanged."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    character = error.object[error.start]
    if "\udc80" <= character <= "\udcff":
        return bytes([ord(character) - 0xDC00]), error.start + 1
    escaped = character.encode("ascii", "backslashreplace").decode()
    return _SPELLED.get(character, escaped), error.start + 1
