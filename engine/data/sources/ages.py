"""Ages as people write them: plain numbers, decimal commas, and ranges of ages."""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from numbers import Real
from typing import Final, NamedTuple

from engine.counted import counted
from engine.data.sources.cells import cell_text
from engine.data.spec import RANGE_COLUMNS
from engine.short_text import quoted

OLDEST: Final = 120.0
OPEN_YEARS: Final = 10.0
"""The assumed width in years of a range without an upper end, such as "more than 70"."""
_LONGEST: Final = 40
_UNKNOWN: Final = frozenset(("", "?", "-", "unknown"))

_PLAIN: Final = r"(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)"
_COMMA: Final = r"[0-9]+,(?:[0-9]{1,2}|[0-9]{4,})|0,[0-9]+"
_NUMBER: Final = rf"(?:{_COMMA}|{_PLAIN})"
_DASH: Final = r"(?:[-‐‑‒–—―−~～]|\.\.\.?|…|to|through)"
_YEARS: Final = r"(?:\s*(?:years?|yrs?|y)\.?(?:[\s-]*(?:old|of age))?)?"
_PLAIN_AGE: Final = re.compile(rf"[+-]?{_PLAIN}")
_COMMA_AGE: Final = re.compile(_COMMA)
_THOUSANDS: Final = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?")
_CLOSED: Final = re.compile(rf"(?:between\s+)?({_NUMBER}){_YEARS}\s*(?:{_DASH}|\band\b)\s*({_NUMBER}){_YEARS}", re.I)
_BRACKETS: Final = re.compile(r"[\[(]\s*(.*?)\s*[\])]")
_PAIR: Final = re.compile(rf"({_PLAIN})\s*,\s*({_PLAIN})|({_NUMBER})\s*;\s*({_NUMBER})")
_BELOW_PAIR: Final = re.compile(rf"-(?:inf(?:inity)?|∞)\s*[,;]\s*({_NUMBER})", re.I)
_DECADE: Final = re.compile(r"([0-9]{1,2}0)['’]?s", re.I)
_OPEN_PAIR: Final = re.compile(rf"({_NUMBER})\s*[,;]\s*\+?(?:inf(?:inity)?|∞)?", re.I)
_OLDER: Final = re.compile(
    rf"(?:>=?|≥|more than|over|above|older than|at least|from)\s*({_NUMBER}){_YEARS}"
    rf"|({_NUMBER}){_YEARS}\s*(?:\+|(?:plus|(?:and|&)\s+(?:over|older|above|up|more)|or\s+(?:over|older|above|more))\b)"
    rf"{_YEARS}",
    re.I,
)
_YOUNGER: Final = re.compile(
    rf"(?:<=?|≤|less than|under|below|younger than|at most|up to)\s*({_NUMBER}){_YEARS}"
    rf"|({_NUMBER}){_YEARS}\s*(?:and|&|or)\s+(?:under|younger|below|less)\b{_YEARS}",
    re.I,
)
_MONTH: Final = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
_DATE: Final = re.compile(rf"[0-9]{{1,4}}[-/. ]{_MONTH}|{_MONTH}[-/. ][0-9]{{1,4}}", re.I)


class Age(NamedTuple):
    """An age in years. For a range, its middle and its ends (NaN for an open end)."""

    years: float
    low: float = math.nan
    high: float = math.nan


@dataclass
class _Seen:
    """The number of ages of a kind, and the text and years of the first."""

    text: str
    years: float
    count: int = 0

    def __str__(self) -> str:
        return f"{counted(self.count, 'age')} {'is' if self.count == 1 else 'are'}"


@dataclass
class AgeReader:
    """Reads the ages of one data set, and counts those that are not plain numbers.

    `scale` is the number of years that an age of 1 stands for.
    """

    scale: float | None = None
    _seen: dict[str, _Seen] = field(default_factory=dict, init=False)

    def read(self, value: object) -> Age:
        """The age in a cell. Raises `ValueError` with a message for people."""
        if isinstance(value, str) and self.scale is None and _PLAIN_AGE.fullmatch(value):  # nearly all ages
            years = float(value)
            if 0 <= years <= OLDEST:
                return Age(years)
        if isinstance(value, Real) and not isinstance(value, bool):
            return self._within(Age(float(str(value))), str(value))
        text = cell_text(value)
        if _PLAIN_AGE.fullmatch(text):
            return self._within(Age(float(text)), text)
        if text.casefold() in _UNKNOWN:
            return self._within(Age(math.nan), text)
        if _COMMA_AGE.fullmatch(text):
            return self._counted("comma", text, self._within(Age(_number(text)), text))
        if _THOUSANDS.fullmatch(text):
            raise ValueError(f"age {quoted(text)} may be a decimal or thousands; write it with a decimal point")
        if _DATE.fullmatch(text):
            raise ValueError(f"age {quoted(text)} is a date; spreadsheets turn ranges such as 3-9 into dates")
        age = _range(text) if len(text) <= _LONGEST else None
        if age is None:
            raise ValueError(f"age {quoted(text)} is neither a number, as in 25.5, nor a range, as in 20-29")
        if age.high < age.low:
            raise ValueError(f"age {quoted(text)} ends before it begins")
        return self._counted("open" if math.isnan(age.high) else "range", text, self._within(age, text))

    def notes(self) -> Iterator[str]:
        """Sentences about ages that were not plain numbers, one per kind."""
        low, high = RANGE_COLUMNS
        if seen := self._seen.get("comma"):
            yield f"{seen} written with a decimal comma: {quoted(seen.text)} is read as {seen.years:g}"
        if seen := self._seen.get("range"):
            yield (
                f"{seen} given as ranges: the middle is used, so {quoted(seen.text)} is read as {seen.years:g}; "
                f"the ends are kept as {low} and {high}"
            )
        if seen := self._seen.get("open"):
            yield (
                f"{seen} given as ranges without an upper end, which are assumed to cover {OPEN_YEARS:g} years: "
                f"{quoted(seen.text)} is read as {seen.years:g}; the lower end is kept as {low}"
            )

    def _counted(self, kind: str, text: str, age: Age) -> Age:
        self._seen.setdefault(kind, _Seen(text, age.years)).count += 1
        return age

    def _within(self, age: Age, text: str) -> Age:
        if math.isnan(age.years):
            raise ValueError("the age is missing, while other images of the split have one")
        if self.scale is not None:
            age = Age(*(years * self.scale for years in age))
        if not math.isnan(age.low):
            high = min(age.low + OPEN_YEARS, OLDEST) if math.isnan(age.high) else age.high
            age = age._replace(years=(age.low + high) / 2)
        if not all(0 <= years <= OLDEST for years in age if not math.isnan(years)):
            given = quoted(text) if not math.isnan(age.low) else f"{age.years:g}"
            raise ValueError(f"age {given} is not between 0 and {OLDEST:g} years")
        return age


def is_range(cell: object) -> bool:
    """Whether a cell holds a range of ages."""
    text = cell_text(cell)
    return len(text) <= _LONGEST and not _PLAIN_AGE.fullmatch(text) and _range(text) is not None


def with_decimal_point(cell: object) -> object:
    """The cell with a decimal point in place of a decimal comma, as in `3,2`; other cells unchanged."""
    return cell.replace(",", ".") if isinstance(cell, str) and _COMMA_AGE.fullmatch(cell.strip()) else cell


def _range(text: str) -> Age | None:
    if bracketed := _BRACKETS.fullmatch(text):
        text = bracketed[1]
        if found := _PAIR.fullmatch(text):
            return _closed(*(number for number in found.groups() if number))
        if found := _OPEN_PAIR.fullmatch(text):
            return Age(0.0, _number(found[1]))
        if found := _BELOW_PAIR.fullmatch(text):
            return _closed("0", found[1])
    if found := _DECADE.fullmatch(text):
        return Age(0.0, _number(found[1]), _number(found[1]) + 9)
    if found := _CLOSED.fullmatch(text):
        return _closed(found[1], found[2])
    if found := _OLDER.fullmatch(text):
        return Age(0.0, _number(found[1] or found[2]))
    if found := _YOUNGER.fullmatch(text):
        return _closed("0", found[1] or found[2])
    return None


def _closed(low: str, high: str) -> Age:
    return Age(0.0, _number(low), _number(high))


def _number(text: str) -> float:
    return float(text.replace(",", "."))
