"""Text from outside (names, paths, logs, errors) made fit for a terminal."""

import re
import unicodedata
from typing import Final

_MOST_LINES: Final = 100
_LONGEST_LINE: Final = 1_000

_ESCAPES = re.compile(
    r"""
    (?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?                       # CSI: colours, cursor moves, screen clears
    | (?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f]).*?(?:\x07|\x1b\\|\x9c|$)   # OSC, DCS, SOS, PM, APC up to their end
    | \x1b[ -/]*[0-~]?                                      # any other escape
    """,
    re.VERBOSE | re.DOTALL,
)
_JOINERS = "\u200c\u200d"


def clean(text: str, *, lines: bool = False) -> str:
    """The text without escape sequences, control and bidi characters; white space of any kind becomes a space.

    Lone surrogates, and the two characters that XML cannot hold, show as U+FFFD. With `lines`, line feeds are kept.
    """
    if text.isprintable():  # nearly all texts: nothing to leave out or replace
        return text
    return "".join(_shown(character, lines) for character in _ESCAPES.sub("", text))


def error_text(error: Exception) -> str:
    """The message of an error, cleaned: at most 100 lines of at most 1,000 characters, whatever names it quotes."""
    lines = clean(str(error), lines=True).split("\n")
    if len(lines) > _MOST_LINES:
        lines[_MOST_LINES - 1 :] = [f"… and {len(lines) - _MOST_LINES + 1:,} more lines"]
    return "\n".join(line if len(line) <= _LONGEST_LINE else f"{line[: _LONGEST_LINE - 1]}…" for line in lines)


def has_hidden(text: str) -> bool:
    """Whether the text contains a control, format, private-use or surrogate character, which no name may contain."""
    return any(unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp") for character in text)


def _shown(character: str, lines: bool) -> str:
    if character == "\n" and lines:
        return character
    category = unicodedata.category(character)
    if character in "\t\n\r\v\f" or category in ("Zl", "Zp"):
        return " "
    if category == "Cs" or character in "\ufffe\uffff":
        return "\ufffd"
    if category == "Cc" or (category == "Cf" and character not in _JOINERS):
        return ""
    return character
