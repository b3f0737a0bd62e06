"""Figures drawn with characters: bars and curves of one line."""

from collections.abc import Sequence

_EIGHTHS = " ▏▎▍▌▋▊▉"
_SPARKS = "▁▂▃▄▅▆▇█"
_LONGEST_SPARKLINE = 40


def progress_bar(done: float, total: float, cells: int = 8) -> str:
    """A bar of `cells` cells, filled to the fraction done."""
    filled = round(cells * min(1.0, max(0.0, done / total))) if total > 0 else 0
    return "▓" * filled + "░" * (cells - filled)


def fine_bar(value: float, largest: float, cells: int) -> str:
    """A bar in eighths of a cell, padded to `cells` cells; every value above 0 is visible."""
    share = value / largest if largest > 0 and 0 <= value <= largest else 0.0
    eighths = max(round(8 * cells * share), int(share > 0))
    full, rest = divmod(eighths, 8)
    return ("█" * full + (_EIGHTHS[rest] if rest else "")).ljust(cells)


def sparkline(values: Sequence[float]) -> str:
    """A curve of at most 40 block characters, tall where a value is large; `?` for values that are not finite."""
    step = max(1, -(-len(values) // _LONGEST_SPARKLINE))
    shown = values[::-1][::step][::-1]
    finite = [value for value in shown if abs(value) < float("inf")]
    if not finite:
        return "?" * len(shown)
    low, high = min(finite), max(finite)
    scale = (len(_SPARKS) - 1) / (high - low) if high > low else 0.0
    return "".join(_SPARKS[round((value - low) * scale)] if low <= value <= high else "?" for value in shown)
