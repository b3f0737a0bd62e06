"""A curve in one line of text."""

_SPARKS = "▁▂▃▄▅▆▇█"


def sparkline(values: list[float], width: int = 40) -> str:
    """A row of block characters, at most `width`, tall where a value is large; values that are not finite are `?`."""
    step = max(1, -(-len(values) // width))
    shown = values[::-1][::step][::-1]
    finite = [value for value in shown if abs(value) < float("inf")]
    if not finite:
        return "?" * len(shown)
    low, high = min(finite), max(finite)
    scale = (len(_SPARKS) - 1) / (high - low) if high > low else 0.0
    return "".join(_SPARKS[round((value - low) * scale)] if low <= value <= high else "?" for value in shown)
