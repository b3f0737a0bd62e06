"""`ageui ls` and `ageui show`: list runs, or show one."""

from typing import TYPE_CHECKING, Annotated

import typer

from ageui.cli.options import AsJson, Database, Reference, Split, open_store, print_json, results
from ageui.text.states import state_of
from engine.choices import REPORT_ATTRIBUTES

if TYPE_CHECKING:
    from ageui.present.table import Table
    from ageui.store import RunRow


def list_runs(
    filters: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[FILTER]...", help="As in: loss=mape weights:gender mae<8 status=done", show_default=False
        ),
    ] = None,
    limit: Annotated[int, typer.Option("-n", "--limit", min=1, metavar="N", help="Most runs to list.")] = 50,
    db: Database = None,
    as_json: AsJson = False,
) -> None:
    """List runs, newest first.

    A filter is any number of terms: FIELD=VALUE, !=, <, <=, >, >= and FIELD:PART for a part of the text. A bare word is
    a part of the name. Quote terms with < or > in a shell.

        ageui ls loss=mape status=done
        ageui ls 'mae<8' --sort mae
        ageui ls --columns id,name,mae,gender_signed --format csv
    """
    with open_store(db, read_only=True) as store:
        text = " ".join(filters or [])
        rows = store.runs.search(text or None, limit=limit)
        total = store.runs.count(text or None)
    if as_json:
        print_json([row.to_json() for row in rows])
        return
    _print_rows(rows, total, text)


def show_run(
    reference: Reference,
    by: Annotated[
        str | None,
        typer.Option(metavar="A[*B]", help="Show groups only: of gender, or of gender*age.", show_default=False),
    ] = None,
    against: Annotated[
        str | None,
        typer.Option(metavar="GROUP", help="With --by: the group to compare with, else the best.", show_default=False),
    ] = None,
    split: Split = None,
    db: Database = None,
    as_json: AsJson = False,
) -> None:
    """Show one run: its config as a command, its history, its scores per split and group.

    With --by, show the groups of one or more attributes, each with its difference and ratio to the best group.

        ageui show 12
        ageui show 12 --by gender*age
        ageui show 12 --toml > config.toml
    """
    from ageui.cli.run_page import print_groups, print_run
    from ageui.compare.crossed_groups import CROSS, with_crossed
    from engine.errors import ConfigError

    if by is None and (against is not None or split is not None):
        raise ConfigError("--against and --split need --by, as in --by gender")

    with open_store(db, read_only=True) as store:
        detail = store.runs.detail(store.runs.find_one(reference))
        if by is not None and CROSS in by:
            for scores in detail.results:
                detail = with_crossed(detail, scores.split, [by], store.scores.predictions)
    if as_json:
        print_json(detail.to_json())
    elif by is not None:
        print_groups(detail, by, split, against)
    else:
        print_run(detail)


def _print_rows(rows: "list[RunRow]", total: int, filters: str) -> None:
    from rich.text import Text

    from ageui.cli.tables import print_fitted
    from ageui.present.marks import MEANINGS, marks_in
    from ageui.text.clean import clean

    console = results()
    if not rows:
        console.print(Text(clean(f"no run fits {filters!r}") if filters else "no runs yet; start one with ageui run"))
        return
    shown = f"{len(rows)} of {total} runs" if len(rows) < total else f"{total} run{'s' if total != 1 else ''}"
    table = _runs_table(rows)
    marks = "".join(f"; {mark} {MEANINGS[mark]}" for mark in marks_in(table))
    print_fitted(console, table, f"{shown}; MAE and biases in years, on the split named{marks}")


def _runs_table(rows: "list[RunRow]") -> "Table":
    from ageui.compare.summary_cells import bias_cell, mae_cell
    from ageui.present.figures import NUMBER
    from ageui.present.table import Cell, Column, Table, words
    from engine.config import format_value

    def config(name: str) -> list[Cell]:
        return [words(str(row.config.get(name, ""))) for row in rows]

    weights = [words(format_value(row.config.get("weights", ()))) for row in rows]
    epochs = [words(None if row.is_published else f"{row.summary.epoch or 0}/{row.summary.epochs}") for row in rows]
    # A narrow terminal leaves out the columns with the lowest `leaves` first.
    return Table.of_columns(
        (Column("id", "figure"), [Cell(row.id, unit=NUMBER) for row in rows]),
        (Column("run"), [words(row.name) for row in rows]),
        (Column("state"), [words(state_of(row)) for row in rows]),
        (Column("data", leaves=3), config("data")),
        (Column("loss", leaves=6), config("loss")),
        (Column("weights", leaves=4), weights),
        (Column("backbone", leaves=1), config("backbone")),
        (Column("epoch", "figure", leaves=2), epochs),
        (Column("split", leaves=5), [words(row.summary.split) for row in rows]),
        (Column("MAE", "figure"), [mae_cell(row.summary) for row in rows]),
        *((Column(name, "figure"), [bias_cell(row.summary, name) for row in rows]) for name in REPORT_ATTRIBUTES),
    )
