"""Text in CSV files: harmless in spreadsheets and terminals, and the same after it was read back."""

import csv
import io
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engine.csv_text import HIDDEN, defused, restored, with_text
from engine.data.sources.read_table import read_table

NASTY = st.text(st.sampled_from("=+-@'\" \t\n\r\\u005c1e20ab\x1b\x9b\u202e\u200d\ufeffé＝\ud800\U000e0041"))


@given(st.text() | NASTY)
@example("'=1")
@example("''-5")
@example(r"\u005c\u001b \u00e9")
@example("\udcff")
def test_every_text_comes_back_as_it_was(text: str) -> None:
    cell = defused(text)
    assert restored(cell) == text
    assert not HIDDEN.search(cell)
    cell.encode()


@pytest.mark.parametrize("start", ["", " ", "\u3000", '"', "'", ' "', "\n"])
@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r"])
def test_formulas_of_spreadsheets_are_text(start: str, sign: str) -> None:
    shown = next(csv.reader(io.StringIO(f'"{defused(f"{start}{sign}cmd").replace(chr(34), chr(34) * 2)}"')))[0]
    assert shown.startswith(("'", "\\u000d")) or (start and "\\u000d" in shown)


@pytest.mark.parametrize("text", ["-1", "+0.5", "-1e-05", "1e300", "-.5", "face.jpg", "C:\\new\\users", "it's", "a=b"])
def test_numbers_and_common_text_are_untouched(text: str) -> None:
    assert defused(text) == restored(text) == text


def test_a_table_is_read_as_it_was_written(tmp_path: Path) -> None:
    table = pd.DataFrame(
        {
            "image": ["=cmd()|'calc'", " @a.jpg", "\x1b[2Jb.jpg", "a\u202egpj.c"],
            "age": ["-1", "2e1", "30", "40"],
            "=group": ["-x", "-5", "'=x", 'a,"b"\n=c'],
        }
    )
    for ending, separator in ((".csv", ","), (".tsv", "\t")):
        path = tmp_path / f"labels{ending}"
        with_text(table, defused).to_csv(path, index=False, sep=separator)
        assert not any(character in path.read_text() for character in "\x1b\u202e")
        pd.testing.assert_frame_equal(read_table(path, ["image", "=group"]), table.astype(object))


def test_numbers_of_a_table_are_exact() -> None:
    table = pd.DataFrame({"years": [-1.5, 1e-300, float("-inf")], "group": pd.Categorical(["=a", None, "=a"])})
    changed = with_text(table, defused)
    assert changed["years"].tolist() == table["years"].tolist()
    assert changed["group"].tolist()[::2] == ["'=a", "'=a"]
    assert pd.isna(changed["group"][1])
