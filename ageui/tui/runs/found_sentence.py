"""How many runs a filter finds, and in which order, in one short sentence."""

from ageui.text.sentences import counted
from ageui.tui.runs.columns import COLUMNS


def found_sentence(matching: int, total: int, order: str) -> str:
    """`8 of 203 runs by MAE ↑`; the arrow points up if values grow downwards in the table."""
    found = counted(total, "run") if matching == total else f"{matching:,} of {counted(total, 'run')}"
    return f"{found} by {order_title(order)} {'↓' if order.startswith('-') else '↑'}"


def order_title(order: str) -> str:
    """The title of the column by which runs are ordered, also if that column is hidden."""
    field = order.removeprefix("-")
    return next((column.title for column in COLUMNS.values() if column.order == field), field)
