"""Grids and samples of settings: combinations of listed values, or points drawn from lists and ranges."""

import itertools
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

from engine.config import LISTS, RunConfig, field_problem, format_value
from engine.errors import ConfigError, Problem

T = TypeVar("T")

MOST_RUNS = 10_000
# But not the sign of an exponent, as in 1e+1.
_JOIN = re.compile(r"(?<![0-9][eE])\+")
_BETWEEN = ".."
_BY_FACTOR = (
    "lr", "weight_decay", "clip_norm", "bn_epsilon", "l1_lambda", "mean_lambda", "variance_lambda", "group_dro_step",
)  # fmt: skip
"""Fields whose ranges are drawn on a logarithmic scale, unless they begin at 0."""


@dataclass(frozen=True)
class Sample:
    """How many points to draw from lists and ranges, and the seed of the sequence they are taken from."""

    count: int
    seed: int = 0


@dataclass(frozen=True)
class Range:
    """The numbers from `low` to `high`, both included; whole numbers only if `is_whole`."""

    low: float
    high: float
    is_whole: bool
    by_factor: bool

    def at(self, share: float) -> str:
        """The number at a share of the range, from 0 to below 1, in a config's form and with four digits."""
        if self.is_whole:
            return str(int(self.low) + math.floor(share * (self.high - self.low + 1)))
        if self.by_factor:
            number = self.low * (self.high / self.low) ** share
        else:
            number = self.low + share * (self.high - self.low)
        return format_value(min(max(float(f"{number:.4g}"), self.low), self.high))


def grid(values: Mapping[str, str]) -> list[dict[str, str]]:
    """All combinations of comma lists, the last flag varying fastest.

    If a value is itself a list, `+` joins its parts: `none,gender,gender+age` of `weights` are three settings. Raises
    `ConfigError` for an empty value, a range, or more than `MOST_RUNS` combinations.
    """
    for name, text in values.items():
        if _is_range(name, text):
            raise _problem(name, text, "a range has no combinations; to draw N points from it, add --sample N")
    return combinations({name: values_of(name, text) for name, text in values.items()})


def sampled(values: Mapping[str, str], sample: Sample) -> list[dict[str, str]]:
    """Points of a scrambled Sobol sequence over the fields with a range (`1e-5..1e-3`) or several values.

    A larger sample begins with the points of a smaller one, if its fields, ranges, lists and seed are the same. Listed
    seeds of runs are no dimension: each point is repeated with all of them. Two points are equal only if their fields
    have few values.

    Parameters
    ----------
    values
        Ranges, comma lists and single values, by field.
    sample
        The number of points and the seed.

    Returns
    -------
    list of dict
        The settings of each point and seed, the seed varying fastest.

    Raises
    ------
    ConfigError
        If a range or the sample is wrong, if nothing varies, or if there are more than `MOST_RUNS` runs.

    Examples
    --------
    >>> sampled({"lr": "1e-5..1e-3", "batch": "16,32", "loss": "mse"}, Sample(2))
    [{'lr': '0.0008477', 'batch': '16', 'loss': 'mse'}, {'lr': '1.641e-05', 'batch': '32', 'loss': 'mse'}]
    """
    if sample.count < 1:
        raise ConfigError(problems=[Problem("sample", f"--sample {sample.count}: give at least 1")])
    if sample.seed < 0:
        raise ConfigError(problems=[Problem("sample", f"--sample-seed {sample.seed}: give 0 or more")])
    seeds = [{"seed": seed} for seed in values_of("seed", values["seed"])] if "seed" in values else [{}]
    refuse_too_many(sample.count * len(seeds))
    choices = {
        name: _range_of(name, text) if _is_range(name, text) else values_of(name, text)
        for name, text in values.items()
        if name != "seed"
    }
    # Sorted, so that the order of flags does not change the points.
    varied = sorted(name for name, found in choices.items() if isinstance(found, Range) or len(found) > 1)
    if not varied:
        raise ConfigError(
            "--sample draws from ranges and lists, but every field has one value; give some, as in "
            "--lr 1e-5..1e-3 --batch 16,32,64"
        )
    found = []
    for shares in _sobol_points(len(varied), sample):
        share_of = dict(zip(varied, shares, strict=True))
        point = {name: _value_at(choice, share_of.get(name, 0.0)) for name, choice in choices.items()}
        found += [{**point, **seed} for seed in seeds]
    return found


def combinations(choices: Mapping[str, Sequence[T]]) -> list[dict[str, T]]:
    """All combinations of the fields' values, the last field varying fastest.

    Raises `ConfigError` for more than `MOST_RUNS`, before making any.
    """
    refuse_too_many(math.prod(len(found) for found in choices.values()))
    return [dict(zip(choices, combination, strict=True)) for combination in itertools.product(*choices.values())]


def refuse_too_many(runs: int) -> None:
    """Raises `ConfigError` for more than `MOST_RUNS` runs."""
    if runs > MOST_RUNS:
        raise ConfigError(f"the grid has {runs:,} runs; give at most {MOST_RUNS:,}")


def seeds(first: int, count: int) -> str:
    """`count` seeds from `first` on, as a comma list."""
    return ",".join(str(first + number) for number in range(count))


def values_of(name: str, text: str) -> list[str]:
    """The values in a comma list, each in a config's form. Raises `ConfigError` for an empty value."""
    found = [part.strip() for part in text.split(",")]
    if not all(found):
        raise _problem(name, text, "a value is empty; write a comma only between two values")
    return [_JOIN.sub(",", part) for part in found] if name in LISTS else found


def _problem(name: str, text: str, what: str) -> ConfigError:
    return ConfigError(problems=[Problem(name, f"{name} {text!r}: {what}")])


def _is_range(name: str, text: str) -> bool:
    """Whether the text of a field of numbers is a range; `..` in a path is none."""
    return _BETWEEN in text and _number_type(name) is not None


def _range_of(name: str, text: str) -> Range:
    """The range in a text. Raises `ConfigError` if an end is wrong."""
    is_whole = _number_type(name) == "integer"
    try:
        low, high = (float(end) for end in text.split(_BETWEEN))
    except ValueError:
        raise _problem(name, text, "a range is two numbers, as in 1e-5..1e-3, and stands alone") from None
    if not low < high < math.inf:
        raise _problem(name, text, "begin a range with its lower end, and end it with a higher one")
    for end in (low, high):
        if is_whole and not end.is_integer():
            raise _problem(name, text, "give whole numbers")
        if (wrong := field_problem(name, int(end) if is_whole else end)) is not None:
            raise ConfigError(problems=[Problem(name, wrong)])
    return Range(low, high, is_whole, name in _BY_FACTOR and low > 0)


def _value_at(choice: Range | Sequence[str], share: float) -> str:
    return choice.at(share) if isinstance(choice, Range) else choice[math.floor(share * len(choice))]


@cache
def _number_types() -> dict[str, str]:
    """`integer` or `number` for each field of numbers, alone or in a list."""
    kinds: dict[str, list[dict[str, Any]]] = {
        name: schema.get("anyOf", [schema]) for name, schema in RunConfig.model_json_schema()["properties"].items()
    }
    types = {name: [kind.get("items", kind)["type"] for kind in own] for name, own in kinds.items()}
    return {name: kind for name, own in types.items() for kind in own if kind in ("integer", "number")}


def _number_type(name: str) -> str | None:
    return _number_types().get(name)


def _sobol_points(dimensions: int, sample: Sample) -> list[list[float]]:
    """The first points, (count, dimensions), each coordinate from 0 to below 1."""
    from scipy.stats import qmc  # takes a second to import

    sequence = qmc.Sobol(dimensions, rng=sample.seed)
    # Whole powers of two: SciPy warns that other numbers of points are unbalanced.
    points: list[list[float]] = sequence.random_base2((sample.count - 1).bit_length())[: sample.count].tolist()
    return points
