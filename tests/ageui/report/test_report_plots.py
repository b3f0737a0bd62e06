"""Plots: what is in them, how large they are, and who can see them."""

import math
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pytest
from store_rows import epoch

from ageui.compare import ComparedRow, Comparison
from ageui.present.table import Cell, Spread
from ageui.report.drawing import Drawing, draw
from ageui.report.plots import SERIES, curves, curves_of_cells, group_bars, marker_of, predicted_by_age, side_by_side
from ageui.store import Epoch, Predictions
from engine.split_result import BiasResult, GroupResult, Interval, SplitResult


def _history(*losses: float | None) -> list[Epoch]:
    """An epoch for each validation loss, the third in stage 2, the second the best."""
    told = [epoch(n, val_loss=loss, stage=1 + n // 3, is_best=n < 3) for n, loss in enumerate(losses, 1)]
    return [Epoch(**{name: getattr(one, name) for name in Epoch.__dataclass_fields__}) for one in told]


def _body(drawing: Drawing | None) -> str:
    assert drawing is not None
    return drawing.body


def _texts(drawing: Drawing | None) -> list[str]:
    assert drawing is not None
    return [node.text or "" for node in ElementTree.fromstring(drawing.inline("")).iter("text")]


def test_curves_show_where_a_stage_begins_and_which_epoch_is_best() -> None:
    texts = _texts(curves("c", _history(0.3, 0.2, 0.25)))
    assert {"train loss", "validation loss", "best epoch", "stage 2 begins"} <= set(texts)
    assert "validation loss" not in _texts(curves("c", _history(None, None)))
    assert "stage 2 begins" not in _texts(curves("c", _history(0.3, 0.2)))


def test_what_is_not_finite_is_no_part_of_a_curve() -> None:
    body = _body(curves("c", _history(0.3, math.nan, math.inf)))
    assert not {"nan", "inf"} & set(body.lower().replace('"', " ").split())


def test_bars_have_an_interval_where_there_is_one() -> None:
    groups = (
        GroupResult("male", 5, 4.0, 0.0, Interval(3.0, 5.0)),
        GroupResult("none", 0, None, None),
        GroupResult("nan", 1, math.nan, 0.0),
    )
    result = SplitResult(5, 4.0, None, 0.0, (BiasResult(None, attribute="gender", groups=groups),), None)
    drawing = group_bars("b", result)
    assert "gender: male" in _texts(drawing)
    assert not {"gender: none", "gender: nan"} & set(_texts(drawing))
    body = _body(drawing)
    ((start, _, stop),) = re.findall(r'd="M (\S+) (\S+) L (\S+) \2" clip-path', body)
    ((left, right),) = re.findall(r'd="M (\S+) \S+ L (\S+) [^"]+ z" clip-path', body)
    # From 3 to 5 years, beside a bar of 4.
    assert (float(stop) - float(start)) / (float(right) - float(left)) == pytest.approx(0.5, abs=0.01)
    bare = replace(result, biases=(replace(result.biases[0], groups=(replace(groups[0], interval=None),)),))
    assert not re.findall(r'd="M (\S+) (\S+) L (\S+) \2" clip-path', _body(group_bars("b", bare)))


def test_a_side_by_side_plot_leaves_out_rows_without_figures() -> None:
    cells = (Cell(6.0, interval=Interval(5.0, 7.0)), Cell(0.5, p_value=0.75))
    rows = (
        ComparedRow("run", 1, "x" * 99, "done", {}, 3, cells, True, None),
        ComparedRow("run", 2, "bare", "queued", {}, None, (Cell(None), Cell(None)), False, "queued"),
        ComparedRow("constant", None, "constant 30.0", "baseline", {}, 3, (Cell(math.inf), Cell(2.0)), True, None),
    )
    comparison = Comparison("valid", 3, ("mae", "gender"), (), rows, None, ())
    texts = _texts(side_by_side("s", comparison))
    assert {"MAE", "gender bias", "constant 30.0", f"{'x' * 27}…"} <= set(texts)
    assert "bare" not in texts
    assert side_by_side("s", Comparison(None, None, ("mae", "gender"), (), rows[1:2], None, ())) is None


def test_a_dot_is_hollow_if_the_bias_cannot_be_told_from_none() -> None:
    def body(p_value: float) -> str:
        row = ComparedRow("run", 1, "a", "done", {}, 3, (Cell(6.0), Cell(0.5, p_value=p_value)), True, None)
        return _body(side_by_side("s", Comparison("valid", 3, ("mae", "gender"), (), (row,), None, ())))

    assert "fill-opacity: 0;" not in body(0.05)
    assert body(0.06).count("fill-opacity: 0;") == 1


def test_a_mean_over_seeds_has_a_line_of_a_standard_deviation_to_each_side() -> None:
    def lines(cell: Cell) -> list[tuple[str, ...]]:
        row = ComparedRow("run", None, "a +1", "done", {}, 3, (cell,), True, None)
        drawing = side_by_side("s", Comparison("valid", 3, ("mae",), (), (row,), None, ()))
        return re.findall(r'd="M (\S+) (\S+) L (\S+) \2" clip-path', _body(drawing))

    interval = lines(Cell(6.0, interval=Interval(5.0, 7.0)))
    assert len(interval) == 1
    assert lines(Cell(6.0, spread=Spread(1.0, 2))) == interval
    assert lines(Cell(6.0, spread=Spread(None, 1))) == lines(Cell(6.0, spread=Spread(math.nan, 2))) == []
    both = Cell(6.0, interval=Interval(1.0, 20.0), spread=Spread(1.0, 2))
    assert lines(both) == interval, "as in tables"


def test_published_figures_are_diamonds_and_incomparable_ones_crosses_in_every_plot() -> None:
    def marker(kind: str, is_comparable: bool) -> str:
        row = ComparedRow(kind, None, "a", "done", {}, 3, (), True, None)  # type: ignore[arg-type]
        return marker_of(row, is_comparable=is_comparable)

    assert [marker(kind, True) for kind in ("run", "constant", "published")] == ["o", "s", "D"]
    assert [marker(kind, False) for kind in ("run", "constant", "published")] == ["x", "x", "D"]


def test_curves_of_cells_are_told_apart_and_those_of_one_cell_are_alike() -> None:
    runs = [_history(0.3, 0.2), _history(0.4, math.nan, 0.1)]
    others = [("b", [_history(0.5, 0.3)]), ("none", [_history(None)]), ("not run", [])]
    drawing = curves_of_cells("c", [("a", runs), *others])
    assert {"a", "b", "validation loss"} <= set(_texts(drawing))
    assert not {"none", "not run"} & set(_texts(drawing))
    strokes = re.findall(r"stroke: (#[0-9a-f]{6}); stroke-width: 1.5", _body(drawing))
    assert [strokes.count(color) for color in SERIES] == [3, 2, 0], "of each run, and in the legend"
    assert "nan" not in _body(drawing).lower()
    assert curves_of_cells("c", [("none", [_history(None)])]) is None


def test_a_drawing_says_what_it_shows_and_takes_the_colour_of_the_page() -> None:
    drawing = draw("plot", (2.0, 1.5), lambda figure: figure.subplots().set_title('<"$x_^$">'))
    shown = drawing.inline('5 > 4 "quoted"')
    root = ElementTree.fromstring(shown)
    assert root.attrib["role"] == "img"
    assert root.attrib["aria-label"] == '5 > 4 "quoted"'
    assert "currentColor" in shown
    assert '<"$x_^$">' in [node.text for node in root.iter("text")]
    alone = ElementTree.fromstring(drawing.file("5 > 4 & <b>\x1b[1m"))
    assert [node.text for node in alone if node.tag.endswith("title")] == ["5 > 4 & <b>"]
    assert (drawing.width, drawing.height) == (144.0, 108.0)


def test_two_thousand_predictions_make_a_small_plot_with_a_dot_each() -> None:
    random = np.random.default_rng(0)
    ages = random.uniform(0, 90, 1978)
    predicted = random.uniform(0, 90, 1978).astype(np.float32)
    predicted[7] = np.nan
    drawing = predicted_by_age("dots", Predictions("test", "h", ("x",) * 1978, ages, {}, predicted))
    assert _body(drawing).count("h0") == 1977
    assert len(_body(drawing)) < 80_000


@pytest.mark.parametrize("colour", SERIES)
@pytest.mark.parametrize("ground", ["#ffffff", "#121212"])
def test_colours_are_seen_by_day_and_by_night(colour: str, ground: str) -> None:
    """The contrast of WCAG 2.2, which asks for 3 of what is no text."""
    light, dark = sorted((_luminance(colour), _luminance(ground)), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 3


def _luminance(colour: str) -> float:
    parts = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.process
def test_plots_do_not_depend_on_settings_of_matplotlib(tmp_path: Path) -> None:
    """A notebook sets MPLBACKEND for every process that it starts."""
    (tmp_path / "matplotlibrc").write_text("nonsense: 1\n")
    program = "from ageui.report.drawing import draw; print(draw('a', (1, 1), lambda one: one.add_subplot()).body)"
    fonts = {"MPLCONFIGDIR": matplotlib.get_cachedir()}
    env = {**os.environ, **fonts, "MPLBACKEND": "module://matplotlib_inline.backend_inline"}
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, env=env, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("<")
