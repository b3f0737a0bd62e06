"""Records as CSV in full precision."""

import csv
import io

from ageui.present.table import Records
from engine.csv_text import defused


def text(records: Records) -> str:
    """A line of heads and one per row; None is empty. Text is `defused`, so that no spreadsheet runs it."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerows([_cell(value) for value in row] for row in (records.heads, *records.rows))
    return file.getvalue()


def _cell(value: object) -> object:
    if isinstance(value, str):
        return defused(value)
    return str(value).lower() if isinstance(value, bool) else value
