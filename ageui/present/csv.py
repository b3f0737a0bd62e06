"""Records as CSV in full precision."""

import csv
import io

from ageui.present.table import Records

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\0")


def text(records: Records) -> str:
    """A line of heads and one per row; None is empty. Text that a spreadsheet would run as formula starts with `'`."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerows([_harmless(value) for value in row] for row in (records.heads, *records.rows))
    return file.getvalue()


def _harmless(value: object) -> object:
    if isinstance(value, str):
        text = value.replace("\r\n", "\n").replace("\r", "\n")
        return f"'{text}" if value.startswith(_FORMULA_STARTS) else text
    return str(value).lower() if isinstance(value, bool) else value
