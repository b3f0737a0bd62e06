"""A short sentence about the number of listed runs and their arrangement."""

from ageui.text.clean import clean
from ageui.text.sentences import counted
from ageui.tui.prefs import Prefs
from ageui.tui.runs.columns import order_title


def found_sentence(matching: int, total: int, prefs: Prefs) -> str:
    """`8 of 203 runs by MAE ↑ · folded`."""
    found = counted(total, "run") if matching == total else f"{matching:,} of {counted(total, 'run')}"
    parts = [f"{found} {order_title(prefs.order, folded=prefs.folded)}"]
    parts += ["folded"] if prefs.folded else []
    parts += [f"grouped by {clean(prefs.grouped)}"] if prefs.grouped else []
    return " · ".join(parts)
