"""`ageui ls`: lists runs."""

from typing import TYPE_CHECKING, Annotated

import typer

from ageui.cli.completion import words
from ageui.cli.options import AsJson, Database, Limit, open_store, print_json
from ageui.cli.streams import write_data
from ageui.console.consoles import print_prose, results

if TYPE_CHECKING:
    from ageui.present.table import Table
    from ageui.store import RunRow

_FORMATS = ("table", "md", "csv", "json")


def list_runs(
    filters: Annotated[
        list[str] | None,
        typer.Argument(metavar="FILTER...", help="Terms, as in loss=mape weights:gender 'mae<8'.", show_default=False),
    ] = None,
    limit: Limit = None,
    sort: Annotated[
        str, typer.Option(metavar="[-]FIELD", help="Field to sort by; - sorts from high to low, as in -mae.")
    ] = "-id",
    columns: Annotated[
        str | None,
        typer.Option(
            metavar="FIELD,...",
            help="Columns: id, name, status, tag, config fields, mae, biases such as gender, and figures such as "
            "gender_signed or cs5. An unknown name lists all.",
            show_default=False,
        ),
    ] = None,
    output_format: Annotated[
        str,
        typer.Option("--format", metavar="|".join(_FORMATS), help="Output format.", autocompletion=words(*_FORMATS)),
    ] = "table",
    db: Database = None,
    as_json: AsJson = False,
) -> None:
    """List runs, newest first.

    Filter terms are FIELD=VALUE, FIELD!=VALUE, and so on with <, <=, > and >=. FIELD:PART matches fields that contain
    PART, and a bare word matches names that contain it. Runs must match all terms. In a shell, quote terms with < or >.
    CSV and JSON contain figures in full precision.

        ageui ls loss=mape status=done
        ageui ls 'mae<8' --sort mae
        ageui ls --columns id,name,mae,gender_signed --format csv
    """
    from ageui.cli.output import chosen_format
    from ageui.cli.run_columns import RunColumns
    from ageui.cli.tables import advise_if_none_is_better, rows_to_show
    from ageui.compare.summary_cells import mae_cell
    from ageui.present import csv, markdown
    from ageui.present.table import ExportSheet
    from ageui.store.nothing_found import nothing_found_lines

    chosen = "json" if as_json else chosen_format(output_format, None, _FORMATS, default="table")
    shown = RunColumns.of(columns, in_file=chosen != "table")
    text = " ".join(filters or [])
    with open_store(db, read_only=True) as store:
        rows = store.runs.search(text or None, order=sort, limit=rows_to_show(limit) if chosen == "table" else limit)
        total = store.runs.count(text or None)
        why_nothing = nothing_found_lines(store.runs, text) if text and not total and chosen == "table" else ""
        values = store.runs.field_values([row.id for row in rows], shown.stored)
    match chosen:
        case "json" if columns is None:
            print_json([{**row.to_json(), "pretraining": values[row.id]["pretraining"]} for row in rows])
        case "json":
            print_json(shown.data(rows, values))
        case "csv":
            write_data(csv.text(shown.records(rows, values)))
        case "md":
            write_data(markdown.page(ExportSheet(shown.table(rows, values), shown.records(rows, values))))
        case _:
            _print_table(rows, shown.table(rows, values), total, text, why_nothing)
            advise_if_none_is_better(mae_cell(row.summary) for row in rows if "mae" in shown.stored)


def _print_table(rows: "list[RunRow]", table: "Table", total: int, filters: str, why_nothing: str) -> None:
    """Prints the table, in several blocks if it is too wide and needs all its columns."""
    from rich.text import Text

    from ageui.cli.tables import is_too_wide, more_sentence, print_fitted
    from ageui.present.terminal import Blocks, rich_table
    from ageui.present.wording import note_text
    from ageui.text.clean import clean
    from ageui.text.sentences import counted

    console = results()
    if not rows:
        said = f"no run matches {filters!r}{why_nothing}" if filters else "no runs yet; start one with: ageui run"
        console.print(Text(clean(said, lines=True)))
        return
    listed = more_sentence(len(rows), total) or counted(total, "run")
    where = " on the split shown" if any(column.title == "split" for column in table.columns) else ""
    years = f"; MAE and biases in years{where}" if table.places("figure") else ""
    about = f"{listed}{years}"
    if any(column.leaves is not None for column in table.columns):
        print_fitted(console, table, about)
        return
    console.print(Blocks(table) if is_too_wide(console, table) and table.places("figure") else rich_table(table))
    print_prose(console, "; ".join((about, *map(note_text, table.legend))), "dim")
