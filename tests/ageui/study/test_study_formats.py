"""A study's table in every format, to the letter: golden files, and names that try to break out of them."""

import csv
import io
import math
from collections.abc import Mapping
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from rich.console import Console

from ageui.present.terminal import Blocks
from ageui.present.wording import in_line
from ageui.study import Agreement, CellRow, Study, StudyCell, StudyFigure, StudyTable, Variant
from ageui.study.published_and_measured import difference_cell, published_and_measured
from ageui.study.study_export import FORMATS, as_data, export_text
from ageui.study.variants import normal_form, own_and_shared
from ageui.study.wording import headline, seeds_text
from engine.choices import REPORT_ATTRIBUTES
from engine.config import PRESETS, build_config
from engine.errors import ConfigError
from engine.split_result import Interval

GOLDEN = Path(__file__).parent / "golden"


NOTHING = StudyFigure(None, None, None, 0)


def _figures(mae: StudyFigure, gender: StudyFigure, signed: StudyFigure = NOTHING) -> Mapping[str, StudyFigure]:
    names = ("mae", *REPORT_ATTRIBUTES, *(f"{name}_signed" for name in REPORT_ATTRIBUTES))
    return {**dict.fromkeys(names, NOTHING), "mae": mae, "gender": gender, "gender_signed": signed}


def _table(label: str = "mse · batch 16") -> StudyTable:
    """Made up: a cell over seeds, one of a single seed, one under way, one that nobody can run."""
    cells = (
        StudyCell("mse-16", label, {"loss": "mse", "batch": 16}, {"mae": 11.6451, "gender": 0.3722}),
        StudyCell("mape-16", "mape · batch 16", {"loss": "mape", "batch": 16}, {"mae": 9.5153}, note="Read with care."),
        StudyCell("huber-16", "huber · batch 16", {"loss": "huber", "batch": 16}, {}),
        StudyCell("torn", "torn off", {}, {"mae": 10.0}, unknown="the row is torn off"),
    )
    first = _figures(
        StudyFigure(11.6451, 8.25, 0.125, 3, Interval(7.5, 9.0)),
        StudyFigure(0.3722, 0.5, 0.25, 3, Interval(0.0, 1.5), 0.75),
        StudyFigure(None, 2.25, 0.5, 3, Interval(1.25, 3.5), 0.03125),
    )
    second = _figures(StudyFigure(9.5153, 10.0, None, 1), StudyFigure(None, float("nan"), None, 1))
    empty = _figures(NOTHING, NOTHING)
    torn = _figures(StudyFigure(10.0, None, None, 0), NOTHING)
    rows = (
        CellRow(cells[0], first, {0: 1, 1: 2, 2: 3}, {"done": 3}),
        CellRow(cells[1], second, {0: 4, 1: 5}, {"done": 1, "running": 1}, pretraining="on private faces"),
        CellRow(cells[2], empty, {0: 6}, {"queued": 1}),
        CellRow(cells[3], torn, {}, {}),
    )
    base = {**PRESETS["quick"], "loss": "mse"}
    study = Study("mine", "Losses × batch", "What is shown.", "scores", (), base, ("loss", "batch"), cells)
    normal = own_and_shared(study, normal_form(build_config({**base, "momentum": 0.5}).model_dump()))[1]
    agreements = {"mae": Agreement(-0.5, Interval(-0.75, 0.25), 4), "gender": Agreement(None, None, 1)}
    return StudyTable(
        study=study,
        variant=Variant(normal, {"name": "synthetic"}),
        split="test",
        rows=rows,
        constant={"mae": 13.25, "gender": 2.0},
        agreement=agreements,
        notes=("A note with $ and <b>.",),
        others=((Variant({**normal, "size": 96}, {}), 1),),
    )


@pytest.mark.parametrize("format", FORMATS)
def test_every_format_is_as_in_its_golden_file(format: str) -> None:
    assert export_text(_table(), format) == (GOLDEN / f"study.{format}").read_text(encoding="utf-8")


def _in_terminal(width: int) -> str:
    console = Console(width=width, file=io.StringIO(), force_terminal=False)
    console.print(Blocks(published_and_measured(_table())))
    assert isinstance(console.file, io.StringIO)
    return "\n".join(line.rstrip() for line in console.file.getvalue().splitlines()) + "\n"


def test_the_table_in_the_terminal_is_as_in_its_golden_file() -> None:
    assert _in_terminal(120) == (GOLDEN / "study.txt").read_text(encoding="utf-8")


def test_a_narrow_terminal_gets_several_tables_and_every_figure_whole() -> None:
    lines = _in_terminal(76).splitlines()
    assert max(map(len, lines)) <= 76
    assert sum(line.startswith("cell") for line in lines) == 2
    assert "8.25 ±0.12 (n=3)" in "\n".join(lines)


def test_the_headline_says_what_was_measured() -> None:
    assert headline(_table()) == (
        "measured on synthetic · resnet18@layer3 · 64 px · scratch, 8 epochs · adam, lr 0.0005 · momentum 0.5 · "
        "seeds 0–2 · test split"
    )
    assert headline(replace(_table(), variant=None)) == "not measured with these settings yet"
    assert headline(replace(_table(), variant=None, others=())) == "not measured yet"


@pytest.mark.parametrize(
    ("measured", "said"),
    [(8.25, "+0.75"), (7.0, "−0.50"), (7.5, "+0.00"), (math.inf, "+inf"), (-math.inf, "−inf"), (math.nan, "NaN")],
)
def test_a_difference_has_one_sign_and_what_is_no_number_its_name(measured: float, said: str) -> None:
    row = CellRow(_table().rows[0].cell, _figures(StudyFigure(7.5, measured, None, 1), NOTHING), {}, {})
    assert in_line(difference_cell("mae", row.difference("mae"))) == said
    assert in_line(difference_cell("gender", row.difference("gender"))) == ""


def test_minutes_are_shown_and_set_against_nothing_in_any_format() -> None:
    cell = StudyCell("adam", "adam", {"optimizer": "adam"}, {"minutes": 75.0})
    figures = {"val_loss": StudyFigure(None, 0.05, None, 1), "minutes": StudyFigure(75.0, 12.5, None, 1)}
    study = Study("mine", "Optimizers", "", "loss", (), {}, ("optimizer",), (cell,))
    table = StudyTable(study, None, None, (CellRow(cell, figures, {0: 1}, {"done": 1}),), {}, {}, (), ())
    assert [in_line(row[1]) for row in published_and_measured(table).rows] == ["◆ published", "measured"]
    assert as_data(table)["rows"][0]["figures"]["minutes"]["difference"] is None
    (row,) = csv.DictReader(io.StringIO(export_text(table, "csv")))
    assert (row["minutes_published"], row["minutes_measured"], row["minutes_difference"]) == ("75.0", "12.5", "")


@pytest.mark.parametrize(
    ("seeds", "said"), [((3,), "seed 3"), ((0, 1, 2), "seeds 0–2"), ((0, 3), "seeds 0, 3"), ((2, 3), "seeds 2–3")]
)
def test_seeds_are_told_briefly(seeds: tuple[int, ...], said: str) -> None:
    assert seeds_text(seeds) == said


def test_names_cannot_break_out_of_a_format() -> None:
    table = _table("=cmd|' & <script>alert(1)</script> \\input{x} | **b**\x1b[31m")

    class Tags(HTMLParser):
        found: set[str]

        def handle_starttag(self, tag: str, attributes: object) -> None:
            self.found.add(tag)

    tags = Tags()
    tags.found = set()
    tags.feed(export_text(table, "html"))
    assert "script" not in tags.found
    (line,) = [line for line in export_text(table, "md").splitlines() if "cmd" in line]
    assert line.replace("\\|", "").count("|") == 8
    assert r"\input{x}" not in export_text(table, "tex")
    rows = list(csv.reader(io.StringIO(export_text(table, "csv"))))
    assert rows[1][1].startswith("'=cmd")
    assert "\x1b" not in export_text(table, "md") + export_text(table, "tex") + export_text(table, "html")


def test_a_format_that_is_none_is_refused() -> None:
    with pytest.raises(ConfigError, match="unknown format 'docx'; choose one of md, csv, tex, html"):
        export_text(_table(), "docx")


def test_plain_data_holds_every_figure() -> None:
    first = as_data(_table())["rows"][0]
    assert first["figures"]["mae"] == {
        "published": 11.6451, "measured": 8.25, "std": 0.125, "n": 3, "difference": pytest.approx(-3.3951),
        "interval": {"low": 7.5, "high": 9.0}, "p_value": None,
    }  # fmt: skip
    assert first["figures"]["gender"]["p_value"] == 0.75
    assert first["figures"]["gender_signed"]["measured"] == 2.25
    assert first["runs"] == {"0": 1, "1": 2, "2": 3}
    assert [row["pretraining"] for row in as_data(_table())["rows"]] == [None, "on private faces", None, None]
