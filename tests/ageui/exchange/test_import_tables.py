"""Histories and figures of other tools as rows that nobody takes for measured ones."""

import math
from pathlib import Path

import pytest
from store_rows import queued
from terminal import Terminal

from ageui.compare import compare
from ageui.store import Store
from engine.errors import ConfigError

KERAS = "epoch,loss,mae,val_loss,val_mae,lr\n0,0.5,11,0.25,9,0.001\n1,0.4,10,NaN,inf,0.001\n2,0.3,9,0.125,8,0.0005\n"
LIGHTNING = "epoch,step,train_loss,val_loss\n0,9,,0.25\n0,9,0.5,\n1,19,,0.125\n1,19,0.375,\n"
TENSORBOARD = "Wall time,Step,Value\n1700000000.1,10,0.5\n1700000001.2,20,0.25\n"
WANDB_CHART = (
    '"Step","old - val_loss","old - val_loss__MIN","old - val_loss__MAX","new - val_loss","new - accuracy"\n'
    '"0","0.5","0.4","0.6","0.25","1"\n"1","0.25","0.2","0.3","","1"\n'
)
WANDB_RUNS = (
    "Name,State,Notes,User,Tags,Created,mae,bias/gender,test_age_bias,val_loss,lr\n"
    "old,finished,,me,,2024,6.5,0.5,3.5,0.01,0.1\ncrashed,failed,,me,,2024,,,,,0.1\n"
)
MLFLOW_RUNS = (
    "run_id,status,metrics.mae,metrics.test/bias/age,params.loss,tags.mlflow.runName\n"
    "a1,FINISHED,7.5,4.5,mse,old\nb2,FINISHED,8.5,NaN,mape,older\n"
)
HISTORIES = "run,epoch,train_loss,val_mae\na,0,0.5,9\nb,0,0.25,8\na,1,0.375,7\n"
MLFLOW_METRICS = "run_id,key,value,step,timestamp\nr1,val_loss,0.5,1,9\nr1,val_loss,Infinity,2,9\nr1,accuracy,1,1,9\n"


@pytest.fixture
def imported(ageui: Terminal) -> Terminal:
    Path("history.csv").write_text(KERAS)
    done = ageui("import", "history.csv", "--name", "old", "--set", "loss=mape", "--tag", "keras")
    assert done.code == 0, done.err
    return ageui


def _curve(run: str, name: str) -> list[tuple[int, float]]:
    with Store.open(Path("runs.db"), read_only=True) as store:
        return store.runs.metric(store.runs.find_one(run), f"epoch/{name}")


def test_a_history_of_keras_becomes_curves_of_a_run_that_was_not_trained_here(imported: Terminal) -> None:
    assert _curve("old", "train_loss") == [(1, 0.5), (2, 0.4), (3, 0.3)]
    values = _curve("old", "val_loss")
    assert [values[0], values[2], math.isnan(values[1][1])] == [(1, 0.25), (3, 0.125), True]
    assert _curve("old", "val_mae") == [(1, 9.0), (2, math.inf), (3, 8.0)]
    shown = imported("show", "old")
    assert shown.code == 0
    assert "old  ◆ imported" in shown.out
    assert "3 epochs  val loss" in shown.out
    assert "Imported from history.csv (a history); not measured here." in shown.out
    assert "not trained here, so it has no predictions or intervals" in shown.out
    assert "ageui run" not in shown.out
    found = imported("show", "old", "--json").json
    assert (found["source"], found["config"], found["command"], found["tags"]) == (
        "imported", {"loss": "mape"}, None, ["keras"],
    )  # fmt: skip
    assert (found["results"], found["summary"]["best_val_loss"], found["summary"]["best_epoch"]) == ([], 0.125, 3)
    assert "◆ imported" in imported("ls", "source=imported loss=mape").out
    assert imported("db", "check").code == 0


@pytest.mark.parametrize(
    ("file", "content", "more", "curves"),
    [
        ("log.csv", LIGHTNING, (), {"log train_loss": [(1, 0.5), (2, 0.375)], "log val_loss": [(1, 0.25), (2, 0.125)]}),
        ("run-a_validation-tag-epoch_loss.csv", TENSORBOARD, ("--steps-per-epoch", "10"),
         {"a val_loss": [(1, 0.5), (2, 0.25)]}),
        ("curve.csv", TENSORBOARD, ("--map", "val_mae=Value", "--steps-per-epoch", "10", "--age-scale", "100"),
         {"curve val_mae": [(1, 50.0), (2, 25.0)]}),
        ("all.csv", HISTORIES, (), {"a train_loss": [(1, 0.5), (2, 0.375)], "b val_mae": [(1, 8.0)]}),
        ("all.csv", HISTORIES.replace("train_loss", "val_loss"), (),
         {"a val_loss": [(1, 0.5), (2, 0.375)], "b val_mae": [(1, 8.0)]}),
        ("chart.csv", WANDB_CHART, (), {"old val_loss": [(1, 0.5), (2, 0.25)], "new val_loss": [(1, 0.25)]}),
        ("chart.csv", WANDB_CHART.replace("old", "old - 2"), (),
         {"old - 2 val_loss": [(1, 0.5), (2, 0.25)], "new val_loss": [(1, 0.25)]}),
        ("metrics.csv", MLFLOW_METRICS, (), {"r1 val_loss": [(1, 0.5), (2, math.inf)]}),
    ],
)  # fmt: skip
def test_curves_of_other_tools_are_read(
    ageui: Terminal, file: str, content: str, more: tuple[str, ...], curves: dict[str, list[tuple[int, float]]]
) -> None:
    Path(file).write_text(content)
    done = ageui("import", file, *more)
    assert done.code == 0, done.err
    for name, points in curves.items():
        assert _curve(*name.rsplit(" ", 1)) == points
    assert len(ageui("ls", "--json").json) == len({name.rsplit(" ", 1)[0] for name in curves})


@pytest.mark.parametrize(
    ("content", "figures", "said"),
    [
        (
            WANDB_RUNS,
            {"old": (6.5, 0.5, 3.5)},
            "1 run, 1 row without a figure skipped; ignored: State",
        ),
        (MLFLOW_RUNS, {"old": (7.5, None, 4.5), "older": (8.5, None, "nan")}, "ignored: run_id, status, params.loss"),
    ],
)
def test_tables_of_runs_are_read(
    ageui: Terminal, content: str, figures: dict[str, tuple[object, ...]], said: str
) -> None:
    Path("runs.csv").write_text(content)
    done = ageui("import", "runs.csv")
    assert done.code == 0, done.err
    assert said in done.err
    found = {row["name"]: row["summary"] for row in ageui("ls", "--json").json}
    assert {
        name: (summary["mae"], summary["bias"]["gender"], summary["bias"]["age"]) for name, summary in found.items()
    } == figures


def test_imported_figures_stand_beside_others_and_are_set_against_none(ageui: Terminal, store: Store) -> None:
    Path("runs.csv").write_text(MLFLOW_RUNS)
    assert ageui("import", "runs.csv", "--set", "loss=mse").code == 0
    runs = [store.runs.detail(run_id) for run_id in (1, 2)]
    comparison = compare(runs, baseline="old")
    assert [(row.status, row.cells[0].value, row.comparable) for row in comparison.rows] == [
        ("imported", 7.5, False), ("imported", 8.5, False),
    ]  # fmt: skip
    assert comparison.rows[0].reason is not None
    assert comparison.rows[0].reason.startswith("imported from another tool without predictions")
    assert not any(cell.best or cell.difference or cell.interval for row in comparison.rows for cell in row.cells)
    for format in ("table", "md", "csv", "html", "tex", "json"):
        assert ageui("compare", "1", "2", "--format", format).code == 0
    assert ageui("report", "1", "-o", "report.md").code == 0
    assert "Imported figures: on which images" in Path("report.md").read_text()
    assert store.scores.measured_runs() == []
    with pytest.raises(ConfigError, match="holds figures of another tool, so it cannot be run"):
        store.queue.retry(1)
    refused = ageui("export", "1", "--to", "hub", "-o", "x")
    assert (refused.code, "was not trained here" in refused.err) == (3, True)


@pytest.mark.parametrize(("heads", "mae"), [("mae,val_mae", 7.5), ("mae,test_mae", 7.5), ("mae,lr", 5.0)])
def test_the_mae_of_train_images_is_no_figure_beside_another(ageui: Terminal, heads: str, mae: float) -> None:
    Path("runs.csv").write_text(f"name,{heads}\nold,5.0,7.5\n")
    assert ageui("import", "runs.csv").code == 0
    assert ageui("ls", "--json").json[0]["summary"]["mae"] == mae


def test_tables_of_an_import_count_epochs_alike(ageui: Terminal) -> None:
    Path("run-a-tag-train_loss.csv").write_text("Wall time,Step,Value\n1,0,0.5\n2,1,0.25\n")
    Path("run-a-tag-val_loss.csv").write_text("epoch,step,val_loss\n1,9,0.75\n")
    done = ageui("import", "run-a-tag-train_loss.csv", "run-a-tag-val_loss.csv", "--name", "a")
    assert done.code == 0, done.err
    assert "epochs count from 0 in these tables, and from 1 here" in done.err
    assert (_curve("a", "train_loss"), _curve("a", "val_loss")) == ([(1, 0.5), (2, 0.25)], [(2, 0.75)])


@pytest.mark.parametrize(("rows", "more", "most"), [(1002, (), 1000), (31, ("--set", "epochs=30"), 30)])
def test_steps_that_are_taken_for_epochs_are_doubted(
    ageui: Terminal, rows: int, more: tuple[str, ...], most: int
) -> None:
    Path("log.csv").write_text("step,train_loss\n" + "".join(f"{step},0.5\n" for step in range(rows)))
    done = ageui("import", "log.csv", *more)
    assert (done.code, f"log.csv: a history, 1 run, {rows:,} epochs" in done.err) == (0, True)
    warning = f"warning: more than {most:,} epochs in log; if these are steps, import again with --steps-per-epoch N"
    assert warning in done.err
    again = ageui("import", "log.csv", *more, "--steps-per-epoch", "50", "--replace")
    assert (again.code, "warning" in again.err) == (0, False)


def test_a_replaced_run_keeps_what_people_said_of_it(imported: Terminal) -> None:
    with Store.open(Path("runs.db")) as store:
        store.edits.change_tags([1], ["thesis"], [])
    assert imported("import", "history.csv", "--name", "old", "--replace", "--tag", "again").code == 0
    found = imported("show", "old", "--json").json
    assert found["tags"] == ["again", "keras", "thesis"]
    assert found["note"] == "Imported from history.csv (a history); not measured here."
    with Store.open(Path("runs.db")) as store:
        store.edits.set_note(1, "the one of 2024")
        store.edits.archive([1])
    assert imported("import", "history.csv", "--name", "old", "--replace").code == 0
    found = imported("show", "old", "--json").json
    assert (found["note"], found["archived_at"] is None) == ("the one of 2024", False)


def test_tables_of_one_run_are_joined_and_an_import_is_replaced_on_request_only(imported: Terminal) -> None:
    Path("runs.csv").write_text("name,mae\nold,6.5\n")
    refused = imported("import", "runs.csv")
    assert (refused.code, "run 1 (old) was imported before; replace it with --replace" in refused.err) == (2, True)
    assert imported("import", "runs.csv", "history.csv", "--name", "old", "--replace").code == 0
    (row,) = imported("ls", "--json").json
    assert (row["id"], row["summary"]["mae"], row["tags"]) == (1, 6.5, ["keras"])
    assert len(_curve("old", "train_loss")) == 3
    assert imported("show", "old", "--json").json["note"] == (
        "Imported from runs.csv (a table of runs), history.csv (a history); not measured here."
    )
    twice = imported("import", "runs.csv", "runs.csv", "history.csv", "--name", "old", "--replace")
    assert twice.code == 0
    Path("again.csv").write_text(KERAS)
    refused = imported("import", "again.csv", "history.csv", "--name", "old", "--replace")
    assert (refused.code, "in two files: again.csv and history.csv" in refused.err) == (2, True)


def test_a_measured_run_is_never_replaced_and_nothing_is_half_stored(ageui: Terminal, store: Store) -> None:
    queued(store, "older")
    Path("runs.csv").write_text(MLFLOW_RUNS)
    refused = ageui("import", "runs.csv", "--replace")
    assert (refused.code, "run 1 is already named 'older'" in refused.err) == (2, True)
    assert store.runs.count() == 1


def test_a_dry_run_stores_nothing_and_fractions_of_a_century_are_doubted(ageui: Terminal) -> None:
    Path("runs.csv").write_text("name,mae\nold,0.07\n")
    done = ageui("import", "runs.csv", "--dry-run")
    assert (done.code, "1 run to import: old" in done.err) == (0, True)
    assert "MAE below one year in old; if ages were divided by 100, import again with --age-scale 100" in done.err
    assert not Path("runs.db").exists()


@pytest.mark.parametrize(
    ("content", "more", "code", "said"),
    [
        ("a,b\n1,2\n", (), 3, "has no known columns; it has a, b. Known are a history (epoch or step, and train_loss"),
        ("name,error\nold,6\n", (), 3, "Name a column for a field with --map, as in --map mae=COLUMN"),
        ("name,error\nold,6\n", ("--map", "mae=eror"), 3, "no column eror (did you mean error?); it has name, error"),
        ("name,error\nold,6\n", ("--map", "error=mae"), 2, "write FIELD=COLUMN, with a field of train_loss, val_loss"),
        ("name,mae\nold,six\n", (), 3, "row 1, column mae: 'six' is not a number; write it as 0.5, or leave"),
        ("name,mae\nold,-6\n", (), 3, "mae is -6, but errors in years are not negative"),
        ("name,mae\nold,\n", (), 3, "has no figure in any row"),
        ("name,mae\nold,6\nold,7\n", (), 2, "names several runs old; choose a column that tells them apart"),
        ("name,epoch,mae\nold,1,6\nold,2,7\n", (), 2, "has several rows of old, but no known curve; name the column"),
        ("name,mae\nold,6\nnew,7\n", ("--name", "x"), 2, "holds 2 runs (old, new); leave --name out"),
        ("step,val_loss\n10,0.5\n20,0.4\n", (), 2, "counts steps (10 to 20), not epochs; add --steps-per-epoch N"),
        ("epoch,val_loss\n-1,0.5\n", (), 3, "epoch counts from 0 or 1; correct the column, or name another"),
        ("Wall time,Step,Value\n1,1,0.5\n", (), 3, "does not say which curve it holds; name it run-NAME-tag-val_loss"),
        ("key,step,value\nacc,1,1\n", (), 3, "has no known metric: it has acc; rename one of them in the file to"),
        ("epoch,val_loss\n1,0.5\n", ("--set", "los=1"), 2, "--set: unknown field 'los'; did you mean"),
        ("", (), 3, "cannot be read as a table"),
    ],
)  # fmt: skip
def test_wrong_tables_are_named_with_what_they_hold_and_what_to_do(
    ageui: Terminal, content: str, more: tuple[str, ...], code: int, said: str
) -> None:
    Path("odd.csv").write_text(content)
    done = ageui("import", "odd.csv", *more)
    assert (done.code, said in done.err) == (code, True), done.err
    assert not Path("runs.db").exists()


def test_a_database_is_sent_to_its_own_command(ageui: Terminal, store: Store) -> None:
    done = ageui("import", "runs.db")
    assert (done.code, "is a database; import its runs with: ageui db import runs.db" in done.err) == (2, True)
