"""Valid names, tags, notes and priorities, and friendly names for unnamed runs."""

import unicodedata
from collections.abc import Callable
from difflib import get_close_matches

from ageui.store.name_words import ADJECTIVES, ANIMALS
from ageui.text.clean import clean, has_hidden
from engine.errors import ConfigError

LONGEST_NAME = 100
LONGEST_NOTE = 2000
LARGEST_PRIORITY = 1000
_STRIDE = 10_597


def valid_name(text: str, what: str = "name") -> str:
    """The name in NFC. Raises `ConfigError` if it is empty, too long, all digits or contains hidden characters."""
    name = unicodedata.normalize("NFC", text)
    shown = clean(name)[:LONGEST_NAME]
    if has_hidden(name):
        raise ConfigError(f"the {what} {shown!r} has a control, invisible or undecodable character; remove it")
    if not name.strip() or name != name.strip():
        raise ConfigError(f"the {what} {shown!r} is empty, or begins or ends with a space; give other text")
    if len(name) > LONGEST_NAME:
        raise ConfigError(f"the {what} {shown!r}… has {len(name)} characters; give at most {LONGEST_NAME}")
    if name.isdigit():
        raise ConfigError(f"the {what} {shown!r} is a number, which would mean a run's id; add a letter")
    return name


def valid_tag(text: str) -> str:
    """A tag: a name without spaces and commas, because these separate tags."""
    tag = valid_name(text, "tag")
    if any(character.isspace() or character == "," for character in tag):
        raise ConfigError(f"the tag {clean(tag)!r} has a space or comma; write - instead, or give several tags")
    return tag


def valid_note(text: str) -> str:
    """A note: one line of any text. Raises `ConfigError` if it is too long or contains hidden characters."""
    note = unicodedata.normalize("NFC", text).strip()
    if has_hidden(note):
        raise ConfigError(f"the note {clean(note)[:LONGEST_NAME]!r} has a hidden character; remove it")
    if len(note) > LONGEST_NOTE:
        raise ConfigError(f"the note has {len(note)} characters; give at most {LONGEST_NOTE}")
    return note


def valid_priority(priority: int) -> int:
    """A priority in the queue. Raises `ConfigError` if it is too large or too small."""
    if abs(priority) > LARGEST_PRIORITY:
        raise ConfigError(f"priority {priority}: give a number from -{LARGEST_PRIORITY} to {LARGEST_PRIORITY}")
    return priority


def friendly_name(number: int, is_taken: Callable[[str], bool]) -> str:
    """A name like `quiet-heron` that depends only on `number`, with `-2`, `-3`, … appended if it is taken."""
    adjective, animal = divmod(number * _STRIDE % (len(ADJECTIVES) * len(ANIMALS)), len(ANIMALS))
    name = f"{ADJECTIVES[adjective]}-{ANIMALS[animal]}"
    suffix, free = 1, name
    while is_taken(free):
        suffix += 1
        free = f"{name}-{suffix}"
    return free


def did_you_mean(wrong: str, names: list[str]) -> str:
    """`; did you mean 'x'?` if a name is close, else empty text."""
    close = get_close_matches(wrong, names, n=1)
    return f"; did you mean {close[0]!r}?" if close else ""
