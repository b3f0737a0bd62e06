"""Numbers as text: every unit has one format, values that are not finite are named, and a missing value is a dash."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.number_text import MINUS, number_text

if TYPE_CHECKING:
    from engine.split_result import Interval

NOTHING = "—"


def duration(seconds: float | None) -> str:
    """`0:14`, `12:05`, `3:20:00`; a dash for None."""
    if seconds is None or not math.isfinite(seconds):
        return NOTHING
    minutes, rest = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


@dataclass(frozen=True)
class Unit:
    """A unit and how its finite values are written."""

    name: str
    write: Callable[[float], str]


YEARS = Unit("years", "{:.2f}".format)
SIGNED_YEARS = Unit("years", "{:+.2f}".format)
AGE = Unit("years", "{:.1f}".format)
LOSS = Unit("loss", "{:.4g}".format)
EPOCH_LOSS = Unit("loss", "{:.5g}".format)
MEAN_LOSS = Unit("loss", "{:.4f}".format)
SIGNED_MEAN_LOSS = Unit("loss", "{:+.4f}".format)
PUBLISHED_LOSS = Unit("loss", "{:.3f}".format)
LEARNING_RATE = Unit("learning rate", "{:g}".format)
MINUTES = Unit("minutes", "{:.1f}".format)
SECONDS = Unit("seconds", "{:.1f}".format)
DURATION = Unit("time", duration)
PERCENT = Unit("percent", "{:.1f}%".format)
SLOPE = Unit("years per year", "{:+.3f}".format)
P_VALUE = Unit("p", "{:.3f}".format)
NUMBER_OF_TIMES = Unit("times", "{:.2f}×".format)
NUMBER = Unit("number", "{:.0f}".format)
COUNT = Unit("count", "{:,}".format)
SPEED = Unit("images per second", "{:,.0f}".format)
CORRELATION = Unit("correlation", "{:.2f}".format)
SAMPLE_WEIGHT = Unit("sample weight", "{:.5f}".format)
GROUP_WEIGHT = Unit("sample weight", "{:.3f}".format)
_SHORTER = tuple(Unit("number", f"{{:{form}}}".format) for form in (".2f", ".1f", ".0f", ".0e"))


def number(value: float | None, unit: Unit = YEARS) -> str:
    """The value as its unit is written: `6.25`, `NaN`, `+inf`, `−inf`, and a dash for None."""
    if value is None:
        return NOTHING
    text = number_text(value, unit.write)
    return f"{MINUS}{text[1:]}" if text.startswith("-") else text


def fitting_number(value: float, unit: Unit, cells: int) -> str:
    """The value in at most `cells` cells, with fewer digits if need be; its shortest form may be longer.

    Examples
    --------
    >>> [fitting_number(123.456, YEARS, cells) for cells in (6, 5, 4, 2)]
    ['123.46', '123.5', '123', '1e+02']
    """
    texts = (number(value, one) for one in (unit, *_SHORTER))
    return next((text for text in texts if len(text) <= cells), number(value, _SHORTER[-1]))


def change(value: float, unit: Unit = YEARS) -> str:
    """A signed difference: `+0.50`, `−0.75`."""
    text = number(value, unit)
    return text if text.startswith(("+", MINUS, "NaN")) else f"+{text}"


def between(interval: "Interval | None", unit: Unit = YEARS, word: str = "–") -> str:
    """`5.00–7.00`, with `word` between the ends; empty for None.

    A low end of years that is above 0 but rounds to 0.00 is `<0.01`, since 0.00 would mean that there may be no bias.
    """
    if interval is None:
        return ""
    low = "<0.01" if unit is YEARS and 0 < interval.low < 0.005 else number(interval.low, unit)
    return f"{low}{word}{number(interval.high, unit)}"
