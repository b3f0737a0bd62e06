"""`ageui ls`: its order, its columns, its formats, and how many runs it says there are; and references to no run."""

import csv
import io
from dataclasses import replace
from pathlib import Path

import pytest
from store_rows import end, epoch, evaluated, queued, running
from terminal import Terminal

from ageui.present.marks import MEANINGS
from ageui.store import Store
from ageui.store.filter_fields import filter_fields


@pytest.fixture
def listed(store: Store) -> Store:
    """A run of 8 years' MAE with the tag `t`, a better one of 5 years without a gender bias, and a queued one."""
    for name, mae, gender, tags in (("worse", 8.0, 0.5, ("t",)), ("better", 5.0, None, ())):
        run_id, attempt = running(store, name, tags, weights="gender,age" if tags else "none")
        with store.writing(run_id, attempt) as writer:
            writer.epoch(epoch())
            writer.evaluated(evaluated(mae=mae, gender=gender), "apparent", "faces")
        end(store, run_id, attempt)
    queued(store, "waiting")
    return store


@pytest.mark.parametrize(
    ("order", "names"),
    [
        ("mae", ["better", "worse", "waiting"]),
        ("-mae", ["worse", "better", "waiting"]),
        ("MAE", ["better", "worse", "waiting"]),
        ("gender_signed", ["worse", "waiting", "better"]),
        ("-cs5", ["better", "worse", "waiting"]),
        ("run", ["better", "waiting", "worse"]),
        ("-state", ["waiting", "better", "worse"]),
    ],
)
def test_runs_are_sorted_by_any_figure(ageui: Terminal, listed: Store, order: str, names: list[str]) -> None:
    assert [row["name"] for row in ageui("ls", "--sort", order, "--json").json] == names


def test_columns_hold_any_field(ageui: Terminal, listed: Store) -> None:
    columns = "id,run,tag,weights,lr,MAE,gender,gender_signed,gender_gap,cs5,patience,created,archived"
    listed_runs = ageui("ls", "name=worse", "--columns", columns, "--json").json
    assert list(listed_runs[0]) == [
        "id", "name", "tag", "weights", "lr", "mae", "gender", "gender_signed", "gender_gap", "cs5", "patience",
        "created", "archived",
    ]  # fmt: skip
    (worse,) = listed_runs
    assert (worse["tag"], worse["weights"], worse["lr"]) == (["t"], ["gender", "age"], [0.0005])
    assert (worse["mae"], worse["gender"], worse["gender_signed"], worse["gender_gap"]) == (8.0, 0.5, 8.5, 0.5)
    table = ageui("ls", "--columns", "run,tag,mae,gender_signed,cs5,weights").out.splitlines()
    assert table[0].split() == ["run", "tag", "MAE", "gender", "signed", "CS@5", "weights"]
    assert table[3].split() == ["worse", "t", "8.00", "8.50", "62.5%", "gender,age"]


def test_nothing_is_advised_where_a_run_beats_the_constant(ageui: Terminal, listed: Store) -> None:
    for command in (("ls",), ("compare", "better", "worse")):
        assert ageui(*command).err == ""


def test_every_field_can_be_a_column(ageui: Terminal, listed: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "2000")  # a narrow terminal shows so many columns in blocks, which takes seconds
    done = ageui("ls", "--columns", ",".join(filter_fields()), "--format", "csv")
    assert done.code == 0
    assert ageui("ls", "--columns", ",".join(filter_fields())).code == 0


def test_csv_and_markdown_hold_the_table(ageui: Terminal, listed: Store) -> None:
    rows = list(csv.DictReader(io.StringIO(ageui("ls", "--format", "csv").out)))
    assert [row["name"] for row in rows] == ["waiting", "better", "worse"]
    assert [row["mae"] for row in rows] == ["", "5.0", "8.0"]
    assert rows[2]["weights"] == "gender,age"
    markdown = ageui("ls", "--format", "md").out.splitlines()
    assert markdown[0].startswith("| id | run | state |")
    assert "| 8.00 |" in markdown[4]
    assert markdown[5:] == []


def test_a_filter_that_finds_nothing_is_explained_term_by_term(ageui: Terminal, listed: Store) -> None:
    lines = ["status=don finds none; runs have status=done", "loss=mse alone finds 3 runs"]
    empty = ageui("ls", "status=don", "loss=mse")
    assert (empty.code, [line.strip() for line in empty.out.splitlines()[1:]]) == (0, lines)
    refused = ageui("compare", "status=don loss=mse")
    assert (refused.code, [line.strip() for line in refused.err.splitlines()[1:]]) == (2, lines)


def test_marks_are_explained_below_the_table(ageui: Terminal, store: Store) -> None:
    run_id, attempt = running(store, "useless")
    event = evaluated(mae=12.0)
    (bias,) = event.result.biases
    by_chance = replace(event.result, biases=(replace(bias, p_value=0.5),))
    with store.writing(run_id, attempt) as writer:
        writer.epoch(epoch())
        writer.evaluated(replace(event, result=by_chance), "apparent", "faces")
    end(store, run_id, attempt)
    advice = "no run shown is better than the constant predictor; train longer (--epochs)"
    assert advice in ageui("ls").err
    assert advice in ageui("compare", "useless").err
    assert advice not in ageui("ls", "--json").err + ageui("ls", "--columns", "id").err
    for text in (ageui("ls").out, ageui("ls", "--format", "md").out.replace("\\", "")):
        table, _, _ = text.partition("~ inside noise")
        carried = [mark for mark in MEANINGS if mark in table]
        assert carried == ["~", "∅"]
        assert all(f"{mark} {MEANINGS[mark]}" in " ".join(text.split()) for mark in carried)


@pytest.mark.parametrize("option", ["--sort", "--columns"])
def test_an_unknown_field_names_the_known_ones(ageui: Terminal, listed: Store, option: str) -> None:
    done = ageui("ls", option, "gendr")
    assert done.code == 2
    assert "did you mean 'gender'?" in done.err
    assert "gender_signed" in done.err
    assert done.out == ""


def test_a_terminal_shows_the_newest_and_a_pipe_all(
    ageui: Terminal, listed: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ageui.cli.tables.ROWS_ON_A_TERMINAL", 2)
    assert "3 runs;" in ageui("ls").out
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    assert len(ageui("ls", "--json").json) == 3
    assert "2 of 3 runs; --limit 3 lists all;" in ageui("ls").out
    assert "1 of 3 runs;" in ageui("ls", "-n", "1").out


def test_totals_count_what_the_filter_finds(ageui: Terminal, listed: Store) -> None:
    queued(listed, "away")
    listed.queue.cancel(4)
    listed.edits.archive([4])
    assert "3 runs;" in ageui("ls").out
    assert "1 run;" in ageui("ls", "archived=true").out
    assert "1 of 2 runs;" in ageui("ls", "status=done", "-n", "1").out
    assert "4 runs, 1 archived" in ageui("db", "check").out


def test_a_misspelt_run_is_refused_with_the_nearest_name(ageui: Terminal, listed: Store) -> None:
    for line in (
        "compare worse bettr",
        "compare worse --baseline bettr",
        "report worse bettr",
        "show bettr",
        "export bettr --weights w.safetensors",
        "predict x.jpg --run bettr",
        "score bettr --data synthetic",
        "logs bettr",
        "cancel waiting bettr",
        "pause bettr",
        "resume bettr",
        "retry bettr",
        "move waiting --before bettr",
        "wait worse bettr",
        "rm worse bettr --yes",
    ):
        done = ageui(*line.split())
        assert (done.code, done.out) == (2, ""), line
        assert "run 'bettr' does not exist; did you mean 'better'?" in done.err, line
    assert listed.runs.get(3).status == "queued"
    assert not list(Path().glob("run*.html"))
