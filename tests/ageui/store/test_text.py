"""Text from outside, cleaned for a terminal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ageui.text.clean import clean, error_text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain [/] text", "plain [/] text"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("a\x1b[2J\x1b[Hb", "ab"),
        ("\x1b]0;title\x07after", "after"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x9b31mred", "red"),
        ("\x1bcreset", "reset"),
        ("a\u202egnp.exe\u2066", "agnp.exe"),
        ("a\tb\nc\r\nd\u2028e", "a b c  d e"),
        ("nul\0bel\x07del\x7f", "nulbeldel"),
        ("file\udcff", "file\ufffd"),
        ("no\uffffXML\ufffe", "no\ufffdXML\ufffd"),
        ("👩\u200d🔬 شا\u200cل", "👩\u200d🔬 شا\u200cل"),
    ],
)
def test_control_sequences_are_removed(text: str, shown: str) -> None:
    assert clean(text) == shown


def test_line_feeds_can_be_kept() -> None:
    assert clean("a\n\tb\x1b[1mc", lines=True) == "a\n bc"


def test_an_error_shows_its_lines_cut_and_clean() -> None:
    shown = error_text(ValueError("a\x1b[2Jb\n" + "x" * 5000 + "\n" * 500))
    assert shown.startswith("ab\n" + "x" * 999 + "…\n")
    assert shown.endswith("\n… and 403 more lines")
    assert shown.count("\n") == 99


@given(st.text(alphabet=st.characters() | st.sampled_from("\x1b\x9b[]0;m\x07\\\u202e\udcff"), max_size=50))
def test_nothing_a_terminal_acts_on_is_left(text: str) -> None:
    shown = clean(text)
    assert not set(shown) & {*map(chr, range(32)), *map(chr, range(127, 160)), *"\u061c\u200e\u200f\u2028\u2029\ufeff"}
    assert not any("\u202a" <= c <= "\u202e" or "\u2066" <= c <= "\u2069" or "\ud800" <= c <= "\udfff" for c in shown)
    assert clean(shown) == shown
