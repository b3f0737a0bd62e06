"""Each format of one small comparison, to the letter, and names that try to break out of it."""

import csv
import io
import json
import math
from html.parser import HTMLParser

import pytest
from rich.console import Console

from ageui.compare import FORMATS, ComparedRow, Comparison, comparison_table, render_text
from ageui.present.figures import change
from ageui.present.marks import FRONT, MEANINGS
from ageui.present.table import Cell, Difference
from ageui.present.terminal import Blocks
from engine.csv_text import defused
from engine.errors import ConfigError
from engine.split_result import Interval


def _comparison(name: str = "b_1", value: float = 5.5) -> Comparison:
    better = Difference(-0.75, Interval(-1.0, -0.5), 0.001, 0.002)
    alike = Difference(-0.25, Interval(-1.0, 0.5), 0.25, 0.25)
    first = (Cell(6.25, interval=Interval(6.0, 6.5)), Cell(0.5, p_value=0.75, detectable=1.25))
    second = (
        Cell(value, interval=Interval(5.0, 6.0), best=True, difference=better),
        Cell(0.25, interval=Interval(0.125, 1.0), best=True, difference=alike),
    )
    apart = (Cell(1.0), Cell(None, "only one group: male"))
    missing = (Cell(None), Cell(None))
    constant = (Cell(11.0), Cell(2.0))
    rows = (
        ComparedRow(
            "run", 1, "a", "done", {"loss": "mse"}, 4, first, True, None, is_baseline=True, rank=2.0, on_front=False
        ),
        ComparedRow(
            "run",
            2,
            name,
            "done",
            {"loss": "mape"},
            4,
            second,
            True,
            None,
            rank=1.0,
            on_front=True,
            pretraining="private-faces",
        ),
        ComparedRow("run", 3, "c", "done", {"loss": "mse"}, 3, apart, False, "measured on other images"),
        ComparedRow("run", 4, "d", "queued", {"loss": "mse"}, None, missing, False, "queued"),
        ComparedRow("constant", None, "constant 30.0", "baseline", {}, 4, constant, True, None),
    )
    columns = ("mae", "gender")
    return Comparison("valid", 4, columns, ("loss",), rows, "a", ("a note",), ranked_over=columns, tests=2)


def _table(comparison: Comparison, width: int = 100) -> str:
    console = Console(width=width, file=io.StringIO(), force_terminal=False)
    console.print(Blocks(comparison_table(comparison), has_legend=True))
    assert isinstance(console.file, io.StringIO)
    return "\n".join(line.rstrip() for line in console.file.getvalue().splitlines())


TABLE = """\
 ───────────────────────────────────────────────────
 run            loss          MAE     gender    rank
 ───────────────────────────────────────────────────
 a              mse          6.25     ~ 0.50    2.00
 baseline                   ±0.25
 ───────────────────────────────────────────────────
 b_1            mape       ★ 5.50     ★ 0.25  ◇ 1.00
                            ±0.50  0.12–1.00
                          ✔ −0.75      −0.25
 ───────────────────────────────────────────────────
 ≠ c            mse          1.00          —       —
 ───────────────────────────────────────────────────
 d              mse             —          —       —
 queued
 ───────────────────────────────────────────────────
 constant 30.0              11.00       2.00       —
 ───────────────────────────────────────────────────
valid, 4 images; MAE and biases in years, lower is better
constant: the predictor that always says the mean age of the train split
★ best of the runs; runs with the same printed figure share it
rank mean place among the runs over MAE, gender; those that tie share theirs
◇ on the Pareto front: no run is as good in all of these and better in one
± and – 95% bootstrap interval, for MAE as half its width
~ inside noise: cannot be told from no bias (p above 0.05)
+ and − difference to the baseline a
✔ the settings differ: p at most 0.05 over seeds and images, Holm's correction for 2 tests
≠ c: measured on other images
— d: queued
— gender of c: only one group: male
a note"""


def test_table() -> None:
    assert _table(_comparison()) == TABLE


def test_markdown() -> None:
    assert (
        render_text(_comparison(), "md")
        == r"""| run | loss | MAE | gender | rank |
| --- | --- | ---: | ---: | ---: |
| a (baseline) | mse | 6.25 ±0.25 | 0.50 \~ | 2.00 |
| b\_1 | mape | **5.50** ★ ±0.50 (−0.75 ✔) | **0.25** ★ \[0.12–1.00\] (−0.25) | 1.00 ◇ |
| ≠ c | mse | 1.00 | — | — |
| d (queued) | mse | — | — | — |
| constant 30.0 |  | 11.00 | 2.00 | — |

- valid, 4 images; MAE and biases in years, lower is better
- constant: the predictor that always says the mean age of the train split
- ★ best of the runs; runs with the same printed figure share it
- rank mean place among the runs over MAE, gender; those that tie share theirs
- ◇ on the Pareto front: no run is as good in all of these and better in one
- ± and – 95% bootstrap interval, for MAE as half its width
- \~ inside noise: cannot be told from no bias (p above 0.05)
- + and − difference to the baseline a
- ✔ the settings differ: p at most 0.05 over seeds and images, Holm's correction for 2 tests
- ≠ c: measured on other images
- — d: queued
- — gender of c: only one group: male
- a note
"""
    )


def test_latex() -> None:
    assert (
        render_text(_comparison(), "tex")
        == r"""% needs \usepackage[T1]{fontenc} and \usepackage{booktabs,siunitx,amssymb,etoolbox}, then \robustify\bfseries
% write table* instead of table to span both columns of a paper; caption and label are yours to change
% a note
\begin{table}
\centering
\caption{MAE and biases in years; lower is better. Data: valid split, 4 faces. 1 seed per row.}
\label{tab:comparison}
\footnotesize
\setlength{\tabcolsep}{3pt}
\sisetup{detect-weight = true, retain-explicit-plus = true}
\begin{tabular}{l S[table-format=2.2]@{\,}l S[table-format=1.2]@{\,}l}
\toprule
setting & \multicolumn{2}{c}{MAE} & \multicolumn{2}{c}{gender} \\
\midrule
a (baseline) & 6.25 & \scriptsize $\pm$0.25 & 0.50 & $^{\sim}$ \\
b\_1$^{\diamond}$ & \bfseries 5.50 & \scriptsize $\pm$0.50$^{\dagger}$ & \bfseries 0.25 &  \\
c$^{\neq}$ & 1.00 &  & {---} &  \\
d (queued) & {---} &  & {---} &  \\
constant 30.0 & 11.00 &  & 2.00 &  \\
\bottomrule
\end{tabular}
\par\smallskip{\footnotesize\raggedright
$\pm$ for the MAE, half the width of its 95\% bootstrap interval over images\par
constant: the predictor that always says the mean age of the train split\par
\textbf{bold} best of the runs; runs with the same printed figure share it\par
$^{\diamond}$ on the Pareto front: no run is as good in all of these and better in one\par
$^{\sim}$ inside noise: cannot be told from no bias (p above 0.05)\par
$^{\dagger}$ differs from a: p at most 0.05 over seeds and images, Holm's correction for 2 tests\par
$^{\neq}$ c: measured on other images\par
--- d: queued\par
--- gender of c: only one group: male\par
}
\end{table}
"""  # noqa: E501
    )


def test_csv() -> None:
    lines = render_text(_comparison(), "csv").splitlines()
    parts = ",".join(
        f"{name}{part}"
        for name in ("mae", "gender_bias")
        for part in ("", "_low", "_high", "_p_no_bias", "_detectable", "_inside_noise", "_best",
                     "_difference", "_difference_low", "_difference_high", "_p", "_p_adjusted", "_real", "_equivalent")
    )  # fmt: skip
    assert lines == [
        f"run,id,status,split,selected,images,comparable,reason,loss,{parts},average_rank,pareto_front,pretraining",
        "a,1,done,valid,false,4,true,,mse,6.25,6.0,6.5,,,,false,,,,,,,,0.5,,,0.75,1.25,true,false,,,,,,,,2.0,false,",
        "b_1,2,done,valid,false,4,true,,mape,5.5,5.0,6.0,,,,true,-0.75,-1.0,-0.5,0.001,0.002,true,,0.25,0.125,1.0,,,,true,-0.25,-1.0,0.5,0.25,0.25,false,,1.0,true,private-faces",
        "c,3,done,valid,false,3,false,measured on other images,mse,1.0,,,,,,false,,,,,,,,,,,,,,false,,,,,,,,,,",
        "d,4,queued,valid,false,,false,queued,mse,,,,,,,false,,,,,,,,,,,,,,false,,,,,,,,,,",
        "constant 30.0,,baseline,valid,false,4,true,,,11.0,,,,,,false,,,,,,,,2.0,,,,,,false,,,,,,,,,,",
    ]


def test_html() -> None:
    page = render_text(_comparison(), "html")
    body = page.split("<tbody>\n")[1].split("\n</tbody>")[0].splitlines()
    assert body == [
        '<tr><th scope="row">a <small>baseline</small></th><td>mse</td>'
        '<td class="figure">6.25 <small>±0.25</small></td>'
        '<td class="figure">0.50 ~</td><td class="figure">2.00</td></tr>',
        '<tr><th scope="row">b_1</th><td>mape</td>'
        '<td class="figure"><strong>5.50</strong> ★ <small>±0.50</small> <br>−0.75 ✔</td>'
        '<td class="figure"><strong>0.25</strong> ★ <small>[0.12–1.00]</small> <br>−0.25</td>'
        '<td class="figure">1.00 ◇</td></tr>',
        '<tr><th scope="row">≠ c</th><td>mse</td><td class="figure">1.00</td><td class="figure">—</td>'
        '<td class="figure">—</td></tr>',
        '<tr><th scope="row">d <small>queued</small></th><td>mse</td><td class="figure">—</td><td class="figure">—</td>'
        '<td class="figure">—</td></tr>',
        '<tr><th scope="row">constant 30.0</th><td></td><td class="figure">11.00</td><td class="figure">2.00</td>'
        '<td class="figure">—</td></tr>',
    ]
    assert (
        "<li>✔ the settings differ: p at most 0.05 over seeds and images, Holm&#x27;s correction for 2 tests</li>"
        in page
    )
    assert page.startswith("<!DOCTYPE html>")
    assert "http" not in page


def test_json() -> None:
    value = json.loads(render_text(_comparison(), "json"))
    assert (value["split"], value["images"], value["baseline"], value["settings"]) == ("valid", 4, "a", ["loss"])
    assert [row["name"] for row in value["rows"]] == ["a", "b_1", "c", "d", "constant 30.0"]
    assert value["rows"][1] == {
        "kind": "run",
        "id": 2,
        "name": "b_1",
        "status": "done",
        "config": {"loss": "mape"},
        "is_baseline": False,
        "comparable": True,
        "selected": False,
        "reason": None,
        "n": 4,
        "mae": 5.5,
        "bias": {"gender": 0.25},
        "figures": {},
        "reasons": {},
        "interval": {"mae": [5.0, 6.0], "gender": [0.125, 1.0]},
        "noise": {"gender": None},
        "best": {"mae": True, "gender": True},
        "difference": {
            "mae": {
                "value": -0.75,
                "interval": [-1.0, -0.5],
                "p": 0.001,
                "p_adjusted": 0.002,
                "real": True,
                "equivalent": None,
            },
            "gender": {
                "value": -0.25,
                "interval": [-1.0, 0.5],
                "p": 0.25,
                "p_adjusted": 0.25,
                "real": False,
                "equivalent": None,
            },
        },
        "average_rank": 1.0,
        "pareto_front": True,
        "pretraining": "private-faces",
    }
    assert value["tests"] == {"figures": 2, "further": 0, "correction": "holm", "margin": None}
    assert value["ranked_over"] == ["mae", "gender"]
    assert value["rows"][0]["noise"] == {"gender": {"p": 0.75, "inside": True, "detectable": 1.25}}
    assert value["rows"][2]["reasons"] == {"gender": "only one group: male"}
    assert value["legend"][-1] == "a note"


def test_figures_that_are_not_finite() -> None:
    nan, infinite = _comparison(value=math.nan), _comparison(value=math.inf)
    assert json.loads(render_text(nan, "json"))["rows"][1]["mae"] == "nan"
    assert json.loads(render_text(infinite, "json"))["rows"][1]["mae"] == "inf"
    assert "NaN" in render_text(nan, "md")
    assert [change(value) for value in (math.nan, math.inf, -math.inf, -0.5)] == ["NaN", "+inf", "−inf", "−0.50"]
    assert "+inf" in render_text(infinite, "md")


def test_an_unknown_format_is_an_error() -> None:
    with pytest.raises(ConfigError, match=r"unknown format 'xls'; choose one of table, md, csv, tex, html, json"):
        render_text(_comparison(), "xls")
    assert FORMATS == ("table", "md", "csv", "tex", "html", "json")


HOSTILE = [
    "[/]",
    "[@click=app.quit]x[/]",
    "\x1b[2Jcls",
    "\u202eevil",
    "a|b",
    "<script>alert(1)</script>",
    "$x_^%&#{}~\\",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_stay_text(name: str) -> None:
    comparison = _comparison(name)
    texts = {format: render_text(comparison, format) for format in FORMATS if format != "table"}
    texts["table"] = _table(comparison)
    for text in texts.values():
        assert "\x1b" not in text
        assert "\u202e" not in text
    assert json.loads(texts["json"])["rows"][1]["name"] == name
    assert [row[0] for row in csv.reader(io.StringIO(texts["csv"]))][2] == defused(name)
    assert "<script" not in texts["html"]
    lines = texts["md"].split("\n\n")[0].splitlines()
    assert {line.replace(r"\|", "").count("|") for line in lines} == {6}
    if name.startswith("[/"):
        assert " [/] " in texts["table"]
        assert "\n{[}/{]}$^{\\diamond}$ & \\bfseries 5.50" in texts["tex"]
    if name.startswith("$"):
        assert r"\$x\_\textasciicircum{}\%\&\#\{\}\textasciitilde{}\textbackslash{}$^{\diamond}$ & " in texts["tex"]


class _Cells(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_html_gives_back_the_name() -> None:
    parser = _Cells()
    parser.feed(render_text(_comparison("<b>&amp;\"'"), "html"))
    assert "<b>&amp;\"'" in parser.texts


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", " =", "＝"])
def test_text_that_a_spreadsheet_would_run_is_made_harmless(start: str) -> None:
    text = render_text(_comparison(f"{start}cmd|' /C calc'!A0"), "csv")
    cells = list(csv.reader(io.StringIO(text, newline="")))[2]
    assert cells[0] == f"'{start}cmd|' /C calc'!A0"
    assert "-0.75" in cells


@pytest.mark.parametrize("width", [60, 80, 100])
@pytest.mark.parametrize("runs", [3, 6])
def test_the_table_fits_the_terminal_and_cuts_no_figure(runs: int, width: int) -> None:
    cell = Cell(
        12.34,
        interval=Interval(10.12, 14.56),
        p_value=0.5,
        best=True,
        difference=Difference(-10.12, Interval(-11, -9), 0.001, 0.01),
    )
    settings = {"loss": "logcosh", "weights": "ethnicity,gender", "seed": "12345"}
    rows = tuple(
        ComparedRow(
            "run", i, f"placid-sandpiper-{i}", "done", settings, 10, (cell,) * 5, True, None, rank=2.25, on_front=True
        )
        for i in range(runs)
    )
    comparison = Comparison(
        "test",
        10,
        ("mae", "gender", "expression", "ethnicity", "age"),
        tuple(settings),
        rows,
        "x",
        (),
        ranked_over=("mae",),
    )
    table = _table(comparison, width)
    assert all(len(line) <= width for line in table.splitlines())
    assert table.count("★~ 12.34") == table.count("✔ −10.12") == runs * 5
    assert table.count("10.12–14.56") == runs * 4
    has_rank = width > 60
    assert table.count("◇ 2.25") == (runs if has_rank else 0)
    assert ("not shown in 60 columns: rank" in table, f"◇ {MEANINGS[FRONT]}" in table) == (not has_rank, has_rank)
    assert ("rank mean place" in table) == has_rank
    assert "…" not in table
