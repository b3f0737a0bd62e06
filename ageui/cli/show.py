"""`ageui ls` and `ageui show`: read runs."""

from typing import TYPE_CHECKING, Annotated

import typer

from ageui.cli.options import AsJson, Database, open_store, print_json, results
from ageui.text.states import state_of
from engine.choices import REPORT_ATTRIBUTES

if TYPE_CHECKING:
    from ageui.store import RunRow


def list_runs(
    filters: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[FILTER]...", help="As in: loss=mape weights:gender mae<8 status=done", show_default=False
        ),
    ] = None,
    limit: Annotated[int, typer.Option("-n", "--limit", min=1, help="Newest runs to show.")] = 50,
    db: Database = None,
    as_json: AsJson = False,
) -> None:
    """List runs, newest first.

    A filter is any number of terms: FIELD=VALUE, !=, <, <=, >, >= and FIELD:PART for a part of the text. A bare word is
    a part of the name. Quote terms with < or > in a shell.
    """
    with open_store(db, read_only=True) as store:
        text = " ".join(filters or [])
        rows = store.runs.search(text or None, limit=limit)
        total = store.runs.count()
    if as_json:
        print_json([row.to_json() for row in rows])
        return
    _print_rows(rows, total, text)


def show_run(
    reference: Annotated[str, typer.Argument(metavar="RUN", help="An id, a name, or a filter that fits one run.")],
    db: Database = None,
    as_json: AsJson = False,
) -> None:
    """Show one run: its config as a command, its history, its scores per split and group."""
    from ageui.cli.run_page import print_run
    from ageui.compare.image_errors import with_all_intervals

    with open_store(db, read_only=True) as store:
        detail = with_all_intervals(store.runs.detail(store.runs.find_one(reference)), store.scores.predictions)
    if as_json:
        print_json(detail.to_json())
    else:
        print_run(detail)


def _print_rows(rows: "list[RunRow]", total: int, filters: str) -> None:
    from rich.text import Text

    from ageui.cli.tables import Column, fitted_table
    from ageui.text.clean import clean

    console = results()
    if not rows:
        console.print(Text(clean(f"no run fits {filters!r}") if filters else "no runs yet; start one with ageui run"))
        return
    cells = [_cells(row) for row in rows]
    columns = [
        Column(title, [row[title] for row in cells], right=title in _NUMBERS, leaves=_LEAVING.get(title))
        for title in cells[0]
    ]
    table, left_out = fitted_table(columns, console.width)
    console.print(table)
    shown = f"{len(rows)} of {total} runs" if len(rows) < total else f"{total} run{'s' if total != 1 else ''}"
    narrow = f"; too narrow for {', '.join(left_out)}" if left_out else ""
    console.print(f"{shown}; MAE and biases in years, on the split named{narrow}", style="dim", soft_wrap=True)


# Columns of `ageui ls` in the order in which they give way on a narrow terminal.
_LEAVING = {title: place for place, title in enumerate(("backbone", "epoch", "data", "weights", "split", "loss"))}
_NUMBERS = {"id", "epoch", "MAE", *REPORT_ATTRIBUTES}


def _cells(row: "RunRow") -> dict[str, str]:
    from engine.config import format_value

    summary, config = row.summary, row.config
    return {
        "id": str(row.id),
        "run": row.name,
        "state": state_of(row),
        "data": str(config.get("data", "")),
        "loss": str(config.get("loss", "")),
        "weights": format_value(config.get("weights", ())),
        "backbone": str(config.get("backbone", "")),
        "epoch": "—" if row.is_published else f"{summary.epoch or 0}/{summary.epochs}",
        "split": summary.split or "—",
        "MAE": _years(summary.mae),
        **{attribute: _years(summary.bias.get(attribute)) for attribute in REPORT_ATTRIBUTES},
    }


def _years(value: float | None) -> str:
    return "—" if value is None else f"{value:.2f}"
