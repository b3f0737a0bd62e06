"""The standard streams of a command. Their failures end no work, and their text fits every terminal.

Text that cannot be written to stdout or stderr is dropped, and the command continues: a run does not fail because its
terminal is gone. In the end, `exit_code` decides whether lost output is an error.
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
"""The error handler that spells characters which an encoding lacks."""

_SPELLED: Final = {
    "±": "+-", "→": "->", "…": "...", "ρ": "rho", "\ufffd": "?",
    **dict(zip("★✔≈≠◆◇∅·▶⏸✓↯✗⊘‖−–—×", "*!=#@^o.>=+!xo|---x", strict=True)),
    **dict(zip("▁▂▃▄▅▆▇█▏▎▍▌▋▊▉▓░", "_.,-=+*#..::||##.", strict=True)),
}  # fmt: skip
"""Marks, symbols and bars in ASCII. Those that stand in the same place differ from each other."""


class _Stream(io.FileIO):
    """A standard stream that drops text it cannot write, and keeps the first error.

    If `is_display`, its text only shows work that is stored already.
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
    """Makes stdout and stderr streams that never fail. Closed ones lead nowhere.

    A closed stream's number would be given to the next file that is opened, and messages would go into that.
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
    """A stream to a file descriptor that never fails, and spells the characters that its encoding lacks."""
    codecs.register_error(_PLAIN, _spell)
    raw = _Stream(number, "wb", closefd=False)
    is_by_line = number == 2 or raw.isatty()
    return io.TextIOWrapper(io.BufferedWriter(raw), encoding, errors=_PLAIN, line_buffering=is_by_line)


def write_data(text: str) -> None:
    """Writes a file format, such as JSON, on stdout: in UTF-8, unless it is a terminal."""
    if sys.stdout.isatty():
        sys.stdout.write(text)
        return
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode("utf-8", "surrogateescape"))


def is_utf8(stream: TextIO | None) -> bool:
    """Whether a stream takes every character."""
    return stream is not None and codecs.lookup(stream.encoding).name == "utf-8"


def keep_exit_code() -> None:
    """From now on, lost output does not change the exit code: the command stores its work."""
    if (stream := _stdout()) is not None:
        stream.is_display = True


def lost_output() -> OSError | None:
    """The error by which output was lost, if any was."""
    sys.stdout.flush()
    stream = _stdout()
    return stream.error if stream is not None else None


def exit_code(code: int) -> int:
    """The exit code of a command whose work ended with `code`, after its output. Says on stderr why output was lost.

    A reader that leaves early, as in `ageui ls | head`, has what it wanted.
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
    """Spells one character that an encoding lacks. Bytes of names that are not text stay unchanged."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    character = error.object[error.start]
    if "\udc80" <= character <= "\udcff":
        return bytes([ord(character) - 0xDC00]), error.start + 1
    escaped = character.encode("ascii", "backslashreplace").decode()
    return _SPELLED.get(character, escaped), error.start + 1
