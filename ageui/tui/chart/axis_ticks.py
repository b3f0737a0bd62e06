"""Places and labels the ticks of an axis: numbers, powers of ten and durations."""

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence

from ageui.present.figures import number

_UNITS = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
_SECONDS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)
_DAY = 86400
_FLAT = 1e-9
_MOST_DIGITS = 15


def padded(low: float, high: float) -> tuple[float, float]:
    """Widens a range that is too narrow to draw; returns any other unchanged."""
    middle = low / 2 + high / 2
    size = max(abs(low), abs(high))
    if high / 2 - low / 2 > size / 2 * _FLAT:
        return low, high
    around = size * 0.05 if size > 1e-300 else 1.0
    return middle - around, middle + around


def linear_ticks(low: float, high: float, most: int) -> list[float]:
    """At most `most` (>= 2) ticks from low to high, at multiples of 1, 2 or 5 times a power of ten."""
    return _closest(_nice_steps(high / most - low / most), low, high, most)


def log_ticks(low: float, high: float, most: int) -> list[float]:
    """At most `most` (>= 2) ticks between 10^low and 10^high: powers of ten, and 2 and 5 times them if few."""
    stride = max(1, math.ceil((high - low) / (most - 1)))
    first = math.ceil(low / stride)
    decades = [_power(place * stride) for place in range(first, math.floor(high / stride) + 1)]
    if stride > 1 or high - low > 3:
        return decades
    powers = range(math.floor(low), math.floor(high) + 1)
    between = [digit * _power(power) for power in powers for digit in (1.0, 2.0, 5.0)]
    between = [value for value in between if low <= math.log10(value) <= high]
    if len(between) >= 3:
        return between if len(between) <= most else decades or between[:most]
    fine = [value for value in linear_ticks(_power(low), _power(high), most) if value > 0]
    return fine if len(fine) > len(between) else between[:most]


def seconds_ticks(low: float, high: float, most: int) -> list[float]:
    """At most `most` ticks between two times in seconds, at round seconds, minutes, hours or days."""
    least = high / most - low / most
    below_second = itertools.takewhile(lambda step: step < 1, _nice_steps(max(least, 0.1)))
    clock = (float(step) for step in _SECONDS if step >= least)
    days = (_DAY * step for step in _nice_steps(max(least / _DAY, 2.0)))
    return _closest(itertools.chain(below_second, clock, days), low, high, most)


def _power(exponent: float) -> float:
    """10 to the exponent, clipped to the range of floats."""
    return float(10.0 ** min(max(exponent, -307.0), 308.0))


def _nice_steps(least: float) -> Iterator[float]:
    """Yields 1, 2 and 5 times powers of ten, upwards from `least`."""
    start = math.floor(math.log10(least)) if least > 0 else 0
    steps = (digit * _power(power) for power in itertools.count(start) for digit in (1.0, 2.0, 5.0))
    return (step for step in steps if step >= least * (1 - _FLAT))


def _closest(steps: Iterable[float], low: float, high: float, most: int) -> list[float]:
    """The multiples, from low to high, of the first step that has at most `most` of them."""
    for step in steps:
        first, last = math.ceil(low / step - _FLAT), math.floor(high / step + _FLAT)
        if last - first < most:
            return [place * step for place in range(first, last + 1)]
    return []


def number_label(value: float, digits: int = 4) -> str:
    """A short label with at most `digits` significant digits: 0.0061, 1e-5, 12k, 1.5M, NaN, +inf."""
    if not math.isfinite(value):
        return number(value)
    rounded = float(f"{value:.{digits}g}")
    size = abs(rounded)
    if size and not 1e-4 <= size < 1e15:
        mantissa, _, power = f"{rounded:.{digits - 1}e}".partition("e")
        mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
        return f"{mantissa}e{int(power)}"
    if size >= 1e4:
        unit, suffix = next(pair for pair in _UNITS if size >= pair[0])
        return f"{rounded / unit:.12g}{suffix}"
    return f"{rounded + 0.0:.12g}"


def number_labels(ticks: Sequence[float]) -> list[str]:
    """Labels with equally many digits, as few as represent every tick."""
    gaps = [abs(after / 2 - before / 2) for before, after in itertools.pairwise(ticks)]
    nearest = min(gaps, default=max((abs(tick) for tick in ticks), default=0.0))
    for digits in range(1, _MOST_DIGITS):
        if all(abs(float(f"{tick:.{digits}g}") / 2 - tick / 2) <= nearest * 1e-3 for tick in ticks):
            break
    return [number_label(tick, digits) for tick in ticks]


def duration_label(seconds: float, *, tenths: bool = False) -> str:
    """A time as 0:30, 5:00 or 1:20:00, with `tenths` as 0:30.5; from 10,000 hours on, in seconds."""
    if not abs(seconds) < 3.6e7:
        return f"{number_label(seconds)} s" if math.isfinite(seconds) else number_label(seconds)
    units = 10 if tenths else 1
    whole, rest = divmod(round(abs(seconds) * units), units)
    minutes, second = divmod(whole, 60)
    hours, minute = divmod(minutes, 60)
    sign = "-" if seconds < 0 and (whole or rest) else ""
    clock = f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"
    return f"{sign}{clock}.{rest}" if tenths else f"{sign}{clock}"


def duration_labels(ticks: Sequence[float]) -> list[str]:
    """Labels for ticks in seconds, with tenths if any tick needs them."""
    tenths = any(abs(tick - round(tick)) > 1e-6 for tick in ticks if abs(tick) < 1e9)
    return [duration_label(tick, tenths=tenths) for tick in ticks]
