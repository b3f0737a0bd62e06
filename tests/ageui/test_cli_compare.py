"""`ageui compare`: --fold-seeds over a database of repeated runs, and where a comparison is written."""

import os
from pathlib import Path
from typing import Any

import pytest
from store_rows import end, evaluated, running
from terminal import Terminal

from ageui.store import Store


@pytest.fixture
def repeated(store: Store) -> Store:
    """Two seeds with the loss mse and an MAE of 6 and 7, and one of mape with 5."""
    for name, mae, changes in (("one", 6.0, {"seed": 1}), ("two", 7.0, {"seed": 2}), ("mape", 5.0, {"loss": "mape"})):
        settings: dict[str, Any] = {"loss": "mse", "seed": 1, **changes}
        run_id, attempt = running(store, name, **settings)
        with store.writing(run_id, attempt) as writer:
            writer.evaluated(evaluated("valid", mae), "apparent", "faces")
        end(store, run_id, attempt)
    return store


@pytest.mark.parametrize("format", ["table", "md", "csv", "tex", "html", "json"])
def test_repeats_are_one_row_in_every_format(ageui: Terminal, repeated: Store, format: str) -> None:
    done = ageui("compare", "one", "two", "mape", "--fold-seeds", "--format", format)
    assert done.code == 0
    assert "two" not in done.out.replace("two-sided", "")
    shown = {"csv": ",6.5,", "json": '"mae": 6.5,', "tex": r"6.50 & \scriptsize $\pm$0.71"}
    assert shown.get(format, "±0.71 (n=2)") in done.out


def test_a_seed_named_as_baseline_stands_for_its_row(ageui: Terminal, repeated: Store) -> None:
    found = ageui("compare", "mape", "--baseline", "two", "one", "--fold-seeds", "--json").json
    assert found["baseline"] == "mse"
    assert [row["name"] for row in found["rows"] if row["is_baseline"]] == ["mse"]
    mape = next(row for row in found["rows"] if row["name"] == "mape")
    assert mape["difference"]["mae"]["value"] == -1.5


def test_groups_are_shown_when_asked_for(ageui: Terminal, repeated: Store) -> None:
    rows = ageui("compare", "one", "mape", "--groups", "--json").json["rows"]
    assert [(group["group"], group["n"], group["mae"]) for group in rows[0]["groups"]] == [
        ("male", 1, 4.0), ("female", 1, 4.5), ("other", 0, None),
    ]  # fmt: skip
    assert "groups" not in ageui("compare", "one", "mape", "--json").json["rows"][0]


@pytest.mark.parametrize(("file", "start"), [("t.tex", "% needs"), ("t.CSV", "run,id,"), ("t.md", "| run")])
def test_a_file_has_the_format_of_its_ending(ageui: Terminal, repeated: Store, file: str, start: str) -> None:
    assert ageui("compare", "one", "mape", "-o", file).code == 0
    assert Path(file).read_text(encoding="utf-8").startswith(start)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("one", "-o", "t.docx"), "end the name in one of .md, .csv, .tex, .html, .json, .svg, .pdf, or add --format"),
        (("one", "-o", "t.md", "--format", "table"), "--format table is for the terminal"),
        (("one", "mapr"), "run 'mapr' does not exist; did you mean 'mape'?"),
        (("nobody", "loss=poisson"), "run 'nobody' does not exist; list the runs with: ageui ls"),
    ],
)
def test_a_wrong_input_is_refused(ageui: Terminal, repeated: Store, arguments: tuple[str, ...], said: str) -> None:
    done = ageui("compare", *arguments)
    assert (done.code, done.out) == (2, "")
    assert said in " ".join(done.err.split())
    assert not list(Path().glob("t.*"))


def test_a_file_is_replaced_only_by_force(ageui: Terminal, repeated: Store) -> None:
    command = ("compare", "one", "mape", "--format", "csv")
    Path("t.csv").write_text("mine")
    refused = ageui(*command, "-o", "t.csv")
    assert (refused.code, refused.out) == (2, "")
    assert "t.csv already exists; choose another name, or replace it with --force" in refused.err
    assert Path("t.csv").read_text() == "mine"
    assert ageui(*command, "-o", "t.csv", "--force").code == 0
    assert Path("t.csv").read_text() == ageui(*command).out


@pytest.mark.parametrize(("name", "said"), [("no/where.csv", "does not exist; make it first"), ("x" * 300, "too long")])
def test_a_file_that_cannot_be_is_refused(ageui: Terminal, repeated: Store, name: str, said: str) -> None:
    refused = ageui("compare", "one", "mape", "--format", "csv", "-o", name)
    assert refused.code == 2
    assert said in refused.err


def test_a_pipe_is_written_to_unasked(ageui: Terminal, repeated: Store) -> None:
    out, into = os.pipe()
    written = ageui("compare", "one", "mape", "--format", "csv", "-o", f"/dev/fd/{into}")
    os.close(into)
    assert written.code == 0
    with open(out, encoding="utf-8") as stream:
        assert stream.read() == ageui("compare", "one", "mape", "--format", "csv").out


@pytest.mark.parametrize(("file", "start"), [("p.svg", b"<svg"), ("p.pdf", b"%PDF"), ("p.PDF", b"%PDF")])
def test_a_plot_is_written_to_a_file(ageui: Terminal, repeated: Store, file: str, start: bytes) -> None:
    command = ("compare", "one", "two", "mape", "--fold-seeds", "-o", file)
    assert ageui(*command, "--plot", "gender,mae").code == 0
    assert Path(file).read_bytes().startswith(start)
    refused = ageui(*command)
    assert (refused.code, f"{file} already exists" in refused.err) == (2, True)
    assert ageui(*command, "--force").code == 0


def test_a_plot_needs_a_file_and_other_formats_no_plot(ageui: Terminal, repeated: Store) -> None:
    assert "a plot needs a file" in ageui("compare", "one", "--format", "svg").err
    assert "--plot age,mae: a plot is a file" in ageui("compare", "one", "--plot", "age,mae").err


def test_methods_are_printed_or_written(ageui: Terminal, repeated: Store) -> None:
    done = ageui("compare", "one", "two", "mape", "--fold-seeds", "--methods")
    assert done.out.startswith("3 runs were trained on ")
    assert "Each setting was trained with 1 to 2 seeds (seeds 1, 2)" in done.out
    assert ageui("compare", "one", "--methods", "-o", "m.md").code == 0
    assert Path("m.md").read_text(encoding="utf-8").startswith("One run was trained on ")
    assert "end the name in one of .txt, .md" in ageui("compare", "one", "--methods", "-o", "m.csv").err
